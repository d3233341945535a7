#compdef testery-gate

_testery-gate() {
    local -a lines fields plain open
    local line text
    lines=("${(@f)$(_TESTERY_GATE_COMPLETE=1 \
        COMP_LINE="${(j: :)words[1,CURRENT-1]} ${(qq)PREFIX}" \
        command "${(Q)words[1]}" 2>/dev/null)}")
    for line in $lines; do
        fields=("${(@ps:\t:)line}")
        text=${fields[2]//:/\\:}${fields[3]:+:$fields[3]}
        case $fields[1] in
            plain) plain+=("$text") ;;
            open) open+=("$text") ;;
            file) compset -P "$fields[2]"; _files ;;
        esac
    done
    (( $#plain )) && _describe -V value plain
    (( $#open )) && _describe -V value open -S ''
}

if [[ $funcstack[1] == _testery-gate ]]; then
    _testery-gate "$@"
else
    compdef _testery-gate testery-gate
fi
