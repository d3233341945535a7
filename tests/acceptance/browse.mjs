// Opens a page in Chromium as a reader would, at each width and in each colour scheme, and tells
// what a reader can't: messages on the console, requests, overflow, findings of axe.
// usage: node browse.mjs NODE_MODULES URL FOLDER NAME [without-axe | only-open]
// The result is JSON on standard output.
import { createRequire } from "node:module";
import path from "node:path";

const [modules, url, folder, name, how] = process.argv.slice(2);
const require = createRequire(path.join(modules, "x"));
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const WIDTHS = [360, 768, 1440];
const SCHEMES = ["light", "dark"];
// Axe takes most of the time, and in the other views it finds the same.
const AUDITED = ["360 light", "1440 dark"];
const LONGEST_PICTURE = 8000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

async function open(options, use) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const told = { messages: [], requests: [] };
  page.on("console", (message) => told.messages.push(message.text()));
  page.on("pageerror", (error) => told.messages.push(String(error)));
  page.on("request", (request) => told.requests.push(request.url()));
  await page.goto(url);
  const found = await use(page);
  await context.close();
  return { ...told, ...found };
}

// Nothing is run in the page: in a sandbox that would be a message too.
if (how === "only-open") {
  console.log(JSON.stringify(await open({}, async () => ({}))));
  await browser.close();
  process.exit();
}

// How many pixels are beyond the right edge, and by what: to ask that of what is folded takes long.
const overflow = (page) =>
  page.evaluate(() => {
    const excess = document.documentElement.scrollWidth - innerWidth;
    if (excess <= 0) return { excess, by: [] };
    const beyond = (element) => element.getBoundingClientRect().right > innerWidth + 1;
    const deepest = [...document.querySelectorAll("main *")].filter(
      (element) => beyond(element) && ![...element.children].some(beyond),
    );
    return { excess, by: deepest.slice(0, 3).map((element) => element.outerHTML.slice(0, 200)) };
  });

const unfold = (page) =>
  page.evaluate(() => document.querySelectorAll("details").forEach((each) => (each.open = true)));

// The policy is none for what the browser is told to run from outside the page.
async function audit(page, colorScheme) {
  await page.evaluate(axe.source);
  // Axe takes a page's own background for white, also where it is dark: see contrast.
  const rules = { "color-contrast": { enabled: colorScheme === "light" } };
  const options = { resultTypes: ["violations"], rules };
  const { violations } = await page.evaluate((given) => axe.run(given), options);
  const where = (violation) => violation.nodes.slice(0, 3).map((node) => node.html);
  return violations.map((found) => [found.id, found.help, ...where(found)]);
}

// The least contrast of text with the page's background; white text stands on a shape.
const contrast = (page) =>
  page.evaluate(() => {
    const numbers = (color) => color.match(/[\d.]+/g).map(Number);
    const luminance = (color) => {
      const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      const [red, green, blue] = numbers(color).map((part) => linear(part / 255));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const probe = document.body.appendChild(document.createElement("p"));
    probe.style.color = "Canvas";
    const canvas = luminance(getComputedStyle(probe).color);
    probe.remove();
    const drawn = [...document.querySelectorAll("main text:not([fill='#fff'])")];
    const written = [...document.querySelectorAll("main *:not(svg, svg *, hr)")];
    const colors = [
      ...drawn.map((element) => getComputedStyle(element).fill),
      ...written.map((element) => getComputedStyle(element).color),
    ].map((color) => {
      const own = luminance(color);
      return (Math.max(own, canvas) + 0.05) / (Math.min(own, canvas) + 0.05);
    });
    return Math.min(...new Set(colors));
  });

const views = [];
for (const colorScheme of SCHEMES) {
  for (const width of WIDTHS) {
    const viewport = { width, height: 900 };
    const seen = await open({ viewport, colorScheme }, async (page) => {
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      await page.screenshot({
        path: path.join(folder, `${name}-${width}-${colorScheme}.png`),
        fullPage: true,
        clip: { x: 0, y: 0, width, height: Math.min(height, LONGEST_PICTURE) },
      });
      const folded = await overflow(page);
      const audited = how !== "without-axe" && AUDITED.includes(`${width} ${colorScheme}`);
      const findings = audited ? await audit(page, colorScheme) : [];
      const told = { folded, findings, contrast: await contrast(page) };
      told.color = await page.evaluate(() => getComputedStyle(document.body).color);
      await unfold(page);
      return { ...told, unfolded: await overflow(page) };
    });
    views.push({ width, colorScheme, ...seen });
  }
}

// By keyboard alone: to the first thing that unfolds, and unfold it.
const keyboard = await open({}, async (page) => {
  const reached = [];
  for (let step = 0; step < 50 && reached.at(-1) !== "SUMMARY"; step++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.tagName));
  }
  const isOpen = () => page.evaluate(() => document.activeElement.closest("details")?.open ?? null);
  const before = await isOpen();
  await page.keyboard.press("Enter");
  return { reached, before, after: await isOpen() };
});

const { pages } = await open({}, async (page) => {
  const printed = await page.pdf({
    format: "A4",
    path: path.join(folder, `${name}.pdf`),
    printBackground: false,
  });
  return { pages: (printed.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length };
});

await browser.close();
console.log(JSON.stringify({ views, keyboard, pages }));
