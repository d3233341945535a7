import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildFeatures.XmlReport
import jetbrains.buildServer.configs.kotlin.buildFeatures.xmlReport
import jetbrains.buildServer.configs.kotlin.buildSteps.script

version = "2024.12"

project {
    buildType(TesteryGate)
}

object TesteryGate : BuildType({
    name = "Testery gate"

    vcs {
        root(DslContext.settingsRoot)
    }

    params {
        // Secret: the API token as a secure value (project, Actions, Generate Token for Secure Value).
        password("env.TESTERY_API_TOKEN", "credentialsJSON:REPLACE-BY-THE-GENERATED-TOKEN")
        param("env.TESTERY_GATE_TIMEOUT", "25m")
    }

    steps {
        script {
            name = "Testery gate"
            dockerImage = "python:3.13-slim"
            scriptContent = """
                pip install testery-gate || exit # until the first release, from a clone: pip install .
                # --no-config: a configuration file would come with the change under test. Set criteria by flags.
                gate() { testery-gate wait --git-ref auto --no-config --junit-xml TEST-testery.xml; }
                gate || case $? in
                    4) sleep 60; gate ;; # unavailable: try once more
                    *) exit $? ;;
                esac
            """.trimIndent()
        }
        script {
            name = "Deploy"
            scriptContent = "./deploy"
        }
    }

    features {
        xmlReport {
            reportType = XmlReport.XmlReportType.JUNIT
            rules = "TEST-testery.xml"
        }
    }
})
