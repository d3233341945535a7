# shellcheck shell=bash
# Makes the virtual environment that the gate runs in, holding the locked requirements and nothing
# else, and sets the output `python` to its interpreter. The requirements come from the release or,
# where it does not have them, from the package index; either way they have the locked hashes. Where
# that can't be done, it ends the action with the outputs that the gate itself would set.
#
# action.yml sources it under GitHub's `shell: bash`, so that any error ends it, with COMMAND and
# FAIL as inputs. It has to run in bash 3.2 (macOS) and in Git's bash (Windows).

end() { # CODE OUTCOME REASON; the words are those of testery_gate/errors.py
    printf '::error title=Testery%%3A %s::%s\n' "${2//_/ }" "$3"
    printf '%s=%s\n' outcome "$2" exit-code "$1" reason "$3" >>"$GITHUB_OUTPUT"
    if [[ $FAIL == false ]]; then
        exit 0
    fi
    exit "$1"
}
trap 'end 70 internal_error "the action could not be prepared; its log says why"' ERR

if [[ $FAIL != true && $FAIL != false ]]; then
    end 2 usage 'the input fail is neither true nor false'
fi
# Other commands would end with 0 without having looked at a run.
if [[ $COMMAND != wait && $COMMAND != check && $COMMAND != run ]]; then
    end 2 usage 'the input command is neither wait, check nor run'
fi

# A machine's own python3 can be too old, and the tool cache of GitHub's images has others. Their
# folder is named after the architecture, x64 or arm64; the first that runs here and is new enough is taken.
python=
tools=${RUNNER_TOOL_CACHE//\\//}/Python # with the slashes of a pattern, on Windows too
for candidate in python3 python "$tools"/3.*/*64/bin/python "$tools"/3.*/*64/python.exe; do
    if "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
if [[ -z $python ]]; then
    end 2 usage 'there is no Python 3.11 or later on PATH or in the tool cache; put actions/setup-python before this step'
fi

# The runner empties RUNNER_TEMP for each job. The action's own folder will not do: it can be
# read-only, and with `uses: ./` it is the caller's checkout.
environment=${RUNNER_TEMP:?}/testery-gate
locked=$GITHUB_ACTION_PATH/requirements/deploy.txt
interpreter=$environment/bin/python
if [[ $RUNNER_OS == Windows ]]; then
    interpreter=$environment/Scripts/python.exe
fi

# The list is copied when all of it is installed, so a second step of the job finds it done.
if [[ ! -f $environment/installed.txt || $(<"$environment/installed.txt") != "$(<"$locked")" ]]; then
    no_venv="this Python can't make virtual environments; put actions/setup-python before this step"
    # Where the package index is and how to reach it is for the caller to say; the hashes say what
    # may come from there. Other settings could lead the packages elsewhere.
    for variable in "${!PIP_@}" "${!PYTHON@}"; do
        case $variable in
            PIP_CONFIG_FILE | PIP_*INDEX* | PIP_FIND_LINKS | PIP_KEYRING_PROVIDER) ;;
            PIP_*CERT | PIP_TRUSTED_HOST | PIP_PROXY | PIP_*TIMEOUT | PIP_RETRIES) ;;
            *) unset "$variable" ;;
        esac
    done
    "$python" -I -m venv --clear --without-pip "$environment" || end 2 usage "$no_venv"
    if ! "$interpreter" -I -B "$GITHUB_ACTION_PATH/action/fetch.py"; then
        printf 'The requirements are installed from the package index.\n'
        "$python" -I -m venv --clear "$environment" || end 2 usage "$no_venv"
        # From wheels alone: nothing is built, and no code runs on installing.
        "$interpreter" -I -m pip --disable-pip-version-check --no-input --no-cache-dir --quiet \
            install --require-hashes --only-binary=:all: --requirement "$locked" ||
            end 4 unavailable 'the locked requirements could not be installed; the log says why'
    fi
    cp "$locked" "$environment/installed.txt"
fi
printf 'python=%s\n' "$interpreter" >>"$GITHUB_OUTPUT"
