// Plays a declarative Jenkinsfile: as much of the language as the examples use, and what else there
// is ends with an error. Prints what became of the build as JSON.
// usage: groovy jenkins.groovy JENKINSFILE [VARS]
// VARS is the folder of a shared library's steps.
import groovy.json.JsonOutput
import org.codehaus.groovy.control.CompilerConfiguration
import org.codehaus.groovy.control.customizers.ImportCustomizer

@interface Library {
    String value()
}

class Failed extends RuntimeException {
    Failed(String message) { super(message) }
}

class Build {
    String result = 'SUCCESS'
    boolean skipAfterUnstable = false
    List<String> played = []
    List<Map> images = []
    List<Integer> slept = []
    List<Map> tests = []
    List<String> messages = []
    File library = null

    Map told() {
        [result: result, played: played, images: images, slept: slept, tests: tests, messages: messages]
    }
}

// Runs a block in which nothing but the part's own words are known.
abstract class Part {
    Build build

    static void play(Closure block, Object part) {
        block.delegate = part
        block.resolveStrategy = Closure.DELEGATE_ONLY
        block()
    }
}

class Pipeline extends Part {
    Object getAny() { 'any' }

    void agent(Object kind) { assert kind == any }

    void options(Closure block) { play(block, new Options(build: build)) }

    void stages(Closure block) { play(block, new Stages(build: build)) }
}

class Options extends Part {
    void skipStagesAfterUnstable() { build.skipAfterUnstable = true }
}

class Stages extends Part {
    void stage(String name, Closure block) {
        if (build.result == 'FAILURE' || (build.result == 'UNSTABLE' && build.skipAfterUnstable)) {
            return
        }
        build.played << name
        Stage stage = new Stage(build: build)
        play(block, stage)
        stage.run()
    }
}

class Stage extends Part {
    Map<String, String> variables = [:]
    Closure work
    Closure always = { }

    void agent(Closure block) { play(block, this) }

    void docker(Closure block) {
        Image image = new Image()
        play(block, image)
        build.images << image.settings
    }

    void environment(Closure block) { play(block, new Variables(values: variables)) }

    void steps(Closure block) { work = block }

    void post(Closure block) { play(block, this) }

    void always(Closure block) { always = block }

    void run() {
        Steps steps = new Steps(build: build, variables: variables)
        try {
            play(work, steps)
        } catch (Failed failure) {
            build.messages << failure.message
            build.result = 'FAILURE'
        } finally {
            play(always, steps)
        }
    }
}

class Image {
    Map<String, Object> settings = [:]

    void image(String name) { settings.image = name }

    void args(String text) { settings.args = text }

    void reuseNode(boolean yes) { settings.reuseNode = yes }
}

class Variables {
    Map<String, String> values

    // The secret of the test takes the place of any credential.
    String credentials(String id) {
        assert id
        System.getenv('TESTERY_API_TOKEN')
    }

    void setProperty(String name, Object value) {
        if (name == 'values') {
            this.@values = value as Map
        } else {
            values[name] = value as String
        }
    }
}

class Steps extends Part {
    Map<String, String> variables

    void script(Closure block) { play(block, this) }

    Object sh(String script) { sh(script: script) }

    Object sh(Map settings) {
        assert settings.keySet() - ['script', 'returnStatus'] == [] as Set
        ProcessBuilder process = new ProcessBuilder('sh', '-xe', '-c', settings.script as String)
        // What the test sets wins, so that no test takes as long as a pipeline may.
        process.environment().putAll(variables - variables.subMap(System.getenv().keySet()))
        process.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.to(new File('/dev/stderr')))
        int code = process.start().waitFor()
        if (settings.returnStatus) {
            return code
        }
        if (code != 0) {
            throw new Failed("script returned exit code ${code}")
        }
        null
    }

    // Groovy has a sleep of its own, of milliseconds, that is called with a mere number.
    void sleep(Map settings) {
        assert settings.unit == 'SECONDS'
        build.slept << settings.time
        Thread.sleep(1000 * (System.getenv('PAUSE') as long))
    }

    void unstable(String message) {
        build.messages << message
        build.result = 'UNSTABLE'
    }

    void error(String message) { throw new Failed(message) }

    void junit(Map settings) { build.tests << settings }

    String string(Map settings) {
        assert settings.keySet() == ['credentialsId', 'variable'] as Set
        assert settings.credentialsId
        settings.variable
    }

    // The secret of the test takes the place of any credential.
    void withCredentials(List<String> names, Closure block) {
        withEnv(names.collect { "${it}=${System.getenv('TESTERY_API_TOKEN')}" as String }, block)
    }

    void withEnv(List<String> assignments, Closure block) {
        Map<String, String> before = variables
        variables = before + assignments.collectEntries { it.split('=', 2) as List }
        try {
            block()
        } finally {
            variables = before
        }
    }

    Object getDocker() { new Docker(build: build) }

    // A step of the library; its script finds what it calls here.
    Object methodMissing(String name, Object arguments) {
        File file = new File(build.library ?: new File('none'), "${name}.groovy")
        if (!file.exists()) {
            throw new MissingMethodException(name, Steps, arguments as Object[])
        }
        CompilerConfiguration configuration = new CompilerConfiguration(scriptBaseClass: LibraryStep.name)
        LibraryStep step = new GroovyShell(LibraryStep.classLoader, configuration).parse(file) as LibraryStep
        step.steps = this
        step.metaClass.invokeMethod(step, 'call', arguments as Object[])
    }
}

// The script of a library's step, which knows the steps of Jenkins.
abstract class LibraryStep extends Script {
    Steps steps

    Object methodMissing(String name, Object arguments) { steps.invokeMethod(name, arguments) }

    Object propertyMissing(String name) { steps.getProperty(name) }
}

class Docker {
    Build build

    DockerImage image(String name) { new DockerImage(build: build, name: name) }
}

class DockerImage {
    Build build
    String name

    void inside(String arguments, Closure block) {
        build.images << [image: name, args: arguments]
        block()
    }
}

Build build = new Build()
Binding binding = new Binding()
binding.setVariable('pipeline') { Closure block -> Part.play(block, new Pipeline(build: build)) }
if (args.length > 1) {
    build.library = new File(args[1])
}
CompilerConfiguration configuration = new CompilerConfiguration()
configuration.addCompilationCustomizers(new ImportCustomizer().addImports('Library'))
new GroovyShell(Library.classLoader, binding, configuration).evaluate(new File(args[0]))
println JsonOutput.toJson(build.told())
