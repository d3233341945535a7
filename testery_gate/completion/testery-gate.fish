function __testery_gate_completion
    set -l word (commandline -ct)
    for line in (_TESTERY_GATE_COMPLETE=1 COMP_LINE=(commandline -cp | string collect) \
            command testery-gate 2>/dev/null)
        set -l fields (string split \t -- $line)
        switch $fields[1]
            case file
                set -l rest (string replace -- "$fields[2]" "" "$word")
                printf '%s\n' $fields[2](__fish_complete_path $rest)
            case '*'
                printf '%s\t%s\n' $fields[2] $fields[3]
        end
    end
end
complete --command testery-gate --no-files --keep-order --arguments '(__testery_gate_completion)'
