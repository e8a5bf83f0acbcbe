# forkctl in fish. As in bash it reads forkctl's own help, so that it knows the
# verbs and options of the forkctl that is installed; what takes a value is told
# there by a word in capitals, which says what is looked for.

# The verb that is on the line; fails where there is none yet.
function __forkctl_verb
    set -l words (commandline -opc)[2..]
    set -l skip 0
    for word in $words
        if test $skip = 1
            set skip 0
        else if test "$word" = --socket
            set skip 1
        else if not string match -q -- '-*' $word
            echo $word
            return 0
        end
    end
    return 1
end

function __forkctl_verbs
    echo help\t'what a verb does'
    forkctl --help 2>/dev/null | string replace -rf '^  ([a-z]+)  +(.*)' '$1\t$2'
end

# The first column of what the daemon tells, below its head.
function __forkctl_ask
    set -l words (commandline -opc)
    set -l at (contains -i -- --socket $words)
    and set -l socket --socket $words[(math $at + 1)]
    timeout 5 forkctl $socket $argv 2>/dev/null | string replace -rf '^ *([^ ]+).*' '$1' | tail -n +2
end

# What WHAT, a word in capitals or a line of usage, looks for.
function __forkctl_value -a what
    switch $what
        case '*SCRIPT.py*' FILE PATH
            __fish_complete_path (commandline -ct)
        case DIR
            __fish_complete_directories (commandline -ct)
        case ID '* ID*' '*[[]ID*'
            __forkctl_ask ps
        case NAME TEMPLATE '*[[]NAME]*' '*[[]TEMPLATE]*'
            __forkctl_ask templates
        case KIND
            printf '%s\n' standby warm cold
        case '*|*'
            string split '|' -- $what
    end
end

# A verb's options, or those of all, a line each: as help has them, with what
# they take.
function __forkctl_options
    forkctl help (__forkctl_verb) 2>/dev/null | string match -r '^  +-.*' | string trim |
        string replace -r '  .*' ''
end

function __forkctl_names
    string match -ar -- '(?<![^ ,])--?[A-Za-z][a-z-]*' $argv
end

function __forkctl_words
    set -l verb (__forkctl_verb)
    set -l previous (commandline -opc)[-1]
    for line in (__forkctl_options)
        set -l takes (string match -r '[^ ]+$' -- $line)
        if contains -- $previous (__forkctl_names $line); and not string match -q -- '-*' $takes
            __forkctl_value $takes
            return
        end
    end
    if string match -q -- '-*' (commandline -ct)
        __forkctl_names (__forkctl_options)
    else if contains -- "$verb" '' help
        __forkctl_verbs
    else
        __forkctl_value (forkctl help $verb 2>/dev/null | head -n 1)
    end
end

complete -c forkctl -f -a '(__forkctl_words)'
