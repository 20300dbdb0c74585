import { command, exit, UsageError } from './command.ts';
import { completeWord } from './complete.ts';

const shells = ['bash', 'zsh', 'fish', 'kubectl'] as const;

/** Each asks this program for the words and only shows them: what is completed is decided in one place. */
const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `# source <(genops completion bash)
_genops() {
  local answer IFS=$'\\n'
  mapfile -t answer < <("\${COMP_WORDS[0]}" ${completeWord} "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  local last=$((\${#answer[@]} - 1))
  if [ "$last" -lt 0 ]; then return; fi
  COMPREPLY=("\${answer[@]:0:last}")
  if [ "\${answer[last]}" = :0 ]; then compopt -o default; fi
}
complete -F _genops genops
`,
  zsh: `#compdef genops
# source <(genops completion zsh)
_genops() {
  local -a answer
  answer=("\${(@f)$("\${words[1]}" ${completeWord} "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local last="\${answer[-1]}"
  answer[-1]=()
  compset -P '--*='
  compadd -- "\${answer[@]}"
  if [[ "$last" == :0 ]]; then _files; fi
}
compdef _genops genops
`,
  fish: `# genops completion fish | source
function __genops_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answer ($words[1] ${completeWord} $words[2..-1] 2>/dev/null)
    set -l before (string match --regex '^--[^=]+=' -- (commandline -ct))
    for word in (string match --invert --regex '^:[0-9]$' -- $answer)
        echo "$before$word"
    end
    if test "$answer[-1]" = :0
        __fish_complete_path (commandline -ct)
    end
end
complete --command genops --no-files --arguments '(__genops_complete)'
`,
  kubectl: `#!/bin/sh
# On the PATH as kubectl_complete-genops, executable: kubectl asks it for the words of the plugin.
exec kubectl-genops ${completeWord} "$@"
`,
};

export const completion = command({
  summary: 'print the script with which a shell completes commands, options, services and namespaces',
  usage: shells.join('|'),
  examples: [
    'source <(genops completion bash)   # in ~/.bashrc',
    'source <(genops completion zsh)   # in ~/.zshrc, after compinit',
    'genops completion fish | source   # in ~/.config/fish/config.fish',
    'genops completion kubectl > ~/.local/bin/kubectl_complete-genops && chmod +x ~/.local/bin/kubectl_complete-genops   # for kubectl genops',
  ],
  options: {},
  help: {},
  choices: { '': shells },
  run({ positionals, out }) {
    const shell = shells.find((known) => positionals.length === 1 && known === positionals[0]);
    if (shell === undefined)
      throw new UsageError(`saw ${positionals.join(' ') || 'no shell'}; wanted one of ${shells.join(', ')}`);
    out.write(scripts[shell]);
    return Promise.resolve(exit.yes);
  },
});
