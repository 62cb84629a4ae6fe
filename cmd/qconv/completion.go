package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

var completionCommand = &cli.Command{
	Name:        "completion",
	Usage:       "print a script that lets a shell complete commands and flags",
	ArgsUsage:   "{bash|zsh|fish}",
	Description: "Bash: source <(qconv completion bash). Zsh: qconv completion zsh > _qconv, in a folder of $fpath. Fish: qconv completion fish | source.\n\n" + example("qconv completion bash"),
	Action: func(c *cli.Context) error {
		shell, err := oneArgument(c, "shell")
		if err != nil {
			return err
		}
		write := completions[shell]
		if write == nil {
			return usagef("unknown shell %q, want bash, zsh or fish", shell)
		}
		write(c.App.Writer, c.App.Commands)
		return nil
	},
}

// completions write the script of a shell.
var completions = map[string]func(w io.Writer, commands []*cli.Command){"bash": completeBash, "zsh": completeZsh, "fish": completeFish}

// dashed is a flag's name as it is typed.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// usageLine is what a flag does, on one line and without the quotes around the name of its value.
func usageLine(f cli.Flag) string {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return ""
	}
	return strings.ReplaceAll(strings.Join(strings.Fields(d.GetUsage()), " "), "`", "")
}

func completeBash(w io.Writer, commands []*cli.Command) {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	fmt.Fprintf(w, `_qconv() {
	local word=${COMP_WORDS[COMP_CWORD]} commands=%q flags=
	if [ "$COMP_CWORD" -eq 1 ] || [ "${COMP_WORDS[1]}" = help ]; then
		COMPREPLY=($(compgen -W "$commands" -- "$word"))
		return
	fi
	case ${COMP_WORDS[1]} in
`, strings.Join(names, " "))
	for _, c := range commands {
		var flags []string
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				flags = append(flags, dashed(n))
			}
		}
		fmt.Fprintf(w, "\t%s) flags=%q ;;\n", c.Name, strings.Join(flags, " "))
	}
	fmt.Fprint(w, `	esac
	case $word in
	-*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
	*) COMPREPLY=($(compgen -f -- "$word")) ;;
	esac
}
complete -o filenames -F _qconv qconv
`)
}

func completeZsh(w io.Writer, commands []*cli.Command) {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	fmt.Fprintln(w, "#compdef qconv\n_qconv() {\n\tlocal -a commands=(")
	for _, c := range commands {
		fmt.Fprintf(w, "\t\t%s\n", quote(escape.Replace(c.Name)+":"+escape.Replace(c.Usage)))
	}
	fmt.Fprintln(w, "\t)\n\tif (( CURRENT == 2 )) || [[ $words[2] == help ]]; then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tcase $words[2] in")
	for _, c := range commands {
		fmt.Fprintf(w, "\t%s) _arguments", c.Name)
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				value := ""
				if takesValue(f) {
					value = ":value:_files"
				}
				fmt.Fprintf(w, " \\\n\t\t%s", quote("*"+dashed(n)+"["+escape.Replace(usageLine(f))+"]"+value))
			}
		}
		fmt.Fprint(w, " \\\n\t\t'*:file:_files' ;;\n")
	}
	fmt.Fprint(w, "\tesac\n}\ncompdef _qconv qconv\n")
}

func completeFish(w io.Writer, commands []*cli.Command) {
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'" }
	for _, c := range commands {
		fmt.Fprintf(w, "complete -c qconv -n __fish_use_subcommand -f -a %s -d %s\n", c.Name, quote(c.Usage))
		fmt.Fprintf(w, "complete -c qconv -n '__fish_seen_subcommand_from help' -f -a %s\n", c.Name)
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				form := "-l"
				if len(n) == 1 {
					form = "-s"
				}
				value := ""
				if takesValue(f) {
					value = " -r"
				}
				fmt.Fprintf(w, "complete -c qconv -n '__fish_seen_subcommand_from %s' %s %s%s -d %s\n", c.Name, form, n, value, quote(usageLine(f)))
			}
		}
	}
}
