# Completions of @program@ for bash 3.2 and newer.
_@function@() {
    local cur=$2 prev=$3 word skip= command= given= words= options= files=
    # To bash, --option=value is three words.
    if [[ ${COMP_WORDS[COMP_CWORD]} == = ]]; then
        cur= prev=${COMP_WORDS[COMP_CWORD - 1]}
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    # Inside of an address.
    if [[ $cur == : || $prev == : ]]; then
        return
    fi

    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ $skip ]]; then
            [[ $word == = ]] || skip=
            continue
        fi
        case $word in
        @with_value@) skip=1 ;;
        -*) ;;
        *)
            if [[ $command ]]; then
                given=1
            else
                command=$word
            fi
            ;;
        esac
    done

    case $prev in
        @values@
        *)
            case $command in
            "") words="@top_words@" options="@top_options@" ;;
            @commands@
            esac
            [[ $given ]] && words=
            if [[ $cur == -* || ! $words ]]; then
                words=$options
            fi
            ;;
    esac
    if [[ $files ]]; then
        # Older versions cannot ask for bash's own completion of files.
        local IFS=$'\n'
        compopt -o default 2>/dev/null || COMPREPLY=($(compgen -f -- "$cur"))
        return
    fi
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _@function@ @program@
