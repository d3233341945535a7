// A step of a shared library, in its folder vars; the Jenkinsfile beside it calls it:
//   testeryGate()
//   testeryGate(gitRef: '4f2c9d1', flags: ['--environment', 'staging', '--max-failed', '2%'])
// A change request may be built as a merge: pass its own commit as gitRef (docs/git-ref.md).
// Secret: a credential of the kind "Secret text" with the id testery-api-token.
// It returns if the gate has passed. Otherwise it fails the build, also after 1, so that a pipeline can't
// deploy by mistake.
void call(Map settings = [:]) {
    Map all = [gitRef: 'auto', flags: []] + settings // an empty gitRef is an error (2)
    if (all.size() > 2) {
        error("testeryGate: unknown settings in ${settings.keySet()}")
    }
    String report = 'TEST-testery.xml'
    // A configuration file would come with the change under test. Set criteria by flags.
    List words = ['testery-gate', 'wait', '--git-ref', all.gitRef, '--no-config', '--junit-xml', report]
    words += all.flags
    String command = words.collect { word -> quoted(word as String) }.join(' ')
    // Until the first release, an image that you build.
    docker.image('ghcr.io/testery-gate/testery-gate:1').inside('--entrypoint=') {
        withEnv(['TESTERY_GATE_TIMEOUT=25m', 'TESTERY_GATE_JUNIT_TOLERATED=skipped']) {
            withCredentials([string(credentialsId: 'testery-api-token', variable: 'TESTERY_API_TOKEN')]) {
                judge(command, report)
            }
        }
    }
}

private void judge(String command, String report) {
    try {
        int code = sh(returnStatus: true, script: command)
        if (code == 4) { // unavailable: try once more
            sleep(time: 60, unit: 'SECONDS')
            code = sh(returnStatus: true, script: command)
        }
        if (code == 1) {
            error('Testery: tests fell short')
        } else if (code != 0) {
            error("Testery: no verdict, exit code ${code}")
        }
    } finally {
        junit testResults: report, allowEmptyResults: true
    }
}

// One word for the shell, with any text in it.
private String quoted(String word) {
    return "'${word.replace("'", "'\\''")}'"
}
