_testery_gate_completion() {
    local type value help
    COMPREPLY=()
    while IFS=$'\t' read -r type value help; do
        case $type in
            plain) COMPREPLY+=("$value") ;;
            open) COMPREPLY+=("$value"); compopt -o nospace ;;
            file) compopt -o default ;;
        esac
    done < <(_TESTERY_GATE_COMPLETE=1 COMP_LINE=${COMP_LINE:0:COMP_POINT} COMP_WORD=$2 \
        command "$1" 2>/dev/null)
}
complete -o nosort -F _testery_gate_completion testery-gate
