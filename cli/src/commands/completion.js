'use strict';

const { print } = require('../terminal');

// The words come from yargs, which is told by SHELL how the shell wants them. Where it knows none, files are offered.
const SCRIPTS = {
  bash: `_desktop_runtime() {
  local word=\${COMP_WORDS[COMP_CWORD]} IFS=$'\\n'
  COMPREPLY=($(compgen -W "$(SHELL=bash desktop-runtime --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)" -- "$word"))
}
complete -o bashdefault -o default -F _desktop_runtime desktop-runtime
`,
  zsh: `#compdef desktop-runtime
_desktop_runtime() {
  local -a found
  found=("\${(@f)$(SHELL=zsh desktop-runtime --get-yargs-completions "\${words[@]:0:$CURRENT}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then _describe 'desktop-runtime' found || _files; else _files; fi
}
compdef _desktop_runtime desktop-runtime
`,
};

module.exports = {
  command: 'completion <shell>',
  describe: 'Print the completion script for bash or zsh',
  builder: (yargs) =>
    yargs
      .usage(
        '$0 completion bash|zsh\n\nPrints a script that completes commands and options. It needs desktop-runtime in PATH.',
      )
      .positional('shell', { type: 'string', choices: Object.keys(SCRIPTS), describe: 'The shell' })
      .example('# For bash\n$0 completion bash >> ~/.bashrc', '')
      .example('# For zsh, behind compinit\n$0 completion zsh >> ~/.zshrc', ''),
  handler({ shell }) {
    print(SCRIPTS[shell]);
  },
};
