// Takes pictures of pages as readers see them first, and tells what is on that first screen.
// usage: node pictures.mjs NODE_MODULES FOLDER FILE...
// The result is JSON on standard output, by page and view.
import { createRequire } from "node:module";
import path from "node:path";

const [modules, folder, ...files] = process.argv.slice(2);
const require = createRequire(path.join(modules, "x"));
const { chromium } = require("playwright-core");

const VIEWS = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 400, height: 800 } },
  dark: { viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
};
const LONGEST_PICTURE = 8000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});

// Where things end, in pixels from the top; null for what is not there.
const places = (page) =>
  page.evaluate(() => {
    const end = (selector) => {
      const found = [...document.querySelectorAll(selector)].find((each) => each.checkVisibility());
      return found ? Math.round(found.getBoundingClientRect().bottom) : null;
    };
    const [navigation] = performance.getEntriesByType("navigation");
    return {
      banner: end("header"),
      firstTest: end("main summary b"),
      firstError: end("main pre"),
      firstRun: end("main a[href^='#verdict']"),
      height: document.documentElement.scrollHeight,
      milliseconds: Math.round(navigation.loadEventEnd),
    };
  });

// How many things are folded, so that nobody sees them; an excerpt is in what is folded below it.
const folded = (page) =>
  page.evaluate(
    () =>
      [...document.querySelectorAll("details > :not(summary, .excerpt)")].filter(
        (each) => !each.checkVisibility(),
      ).length,
  );

const told = {};
for (const file of files) {
  const name = path.basename(file, ".html");
  told[name] = {};
  for (const [view, options] of Object.entries(VIEWS)) {
    const page = await (await browser.newContext(options)).newPage();
    await page.goto(`file://${path.resolve(file)}`);
    told[name][view] = await places(page);
    await page.screenshot({ path: path.join(folder, `${name}-${view}.png`) });
    const height = Math.min(told[name][view].height, LONGEST_PICTURE);
    await page.screenshot({
      path: path.join(folder, `${name}-${view}-whole.png`),
      fullPage: true,
      clip: { x: 0, y: 0, width: options.viewport.width, height },
    });
    if (view === "desktop") {
      await page.emulateMedia({ media: "print" });
      told[name].paper = { folded: await folded(page) };
      await page.pdf({ path: path.join(folder, `${name}.pdf`), format: "A4" });
    }
    await page.context().close();
  }
}
await browser.close();
console.log(JSON.stringify(told));
