import { type Command, command, type OptionDescription } from './command.js';
import { writeOut } from './terminal.js';

type Commands = ReadonlyMap<string, Command>;

const SHELLS: Readonly<Record<string, (commands: Commands) => string>> = { bash, zsh, fish };

/** `kvs completion`: a script by which a shell completes the command lines of `kvs`. */
export function completion(commands: () => Commands): Command {
  return command({
    summary: 'print a script by which a shell completes these commands',
    arguments: { SHELL: 'bash, zsh or fish' },
    options: {},
    argumentChoices: { SHELL: Object.keys(SHELLS) },
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/kvs', 'for bash, from its next start on'],
      ['completion zsh > ~/.zfunc/_kvs', 'for zsh, where ~/.zfunc is in fpath'],
      ['completion fish > ~/.config/fish/completions/kvs.fish', 'for fish'],
    ],
    async run({ positionals: [shell = ''] }) {
      await writeOut(SHELLS[shell]?.(commands()) ?? '');
    },
  });
}

/** Single quotes, in which a shell takes everything as it is. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function optionsOf({ options }: Command): readonly (readonly [string, OptionDescription])[] {
  return [...Object.entries(options), ['help', { type: 'boolean', help: 'print the help' }]];
}

/** Words to choose from for the arguments of a command; none where they are files. */
function argumentWords({ argumentChoices = {} }: Command): readonly string[] {
  return Object.values(argumentChoices).flat();
}

function bash(commands: Commands): string {
  const words = [...commands].map(([name, command]) => {
    const options = optionsOf(command).map(([option]) => `--${option}`);
    return `    ${name}) words=${quoted([...options, ...argumentWords(command)].join(' '))} ;;`;
  });
  const values = [...commands].flatMap(([name, command]) =>
    optionsOf(command)
      .filter(([, { choices }]) => choices !== undefined)
      .map(([option, { choices = [] }]) => `    ${name}:--${option}) words=${quoted(choices.join(' '))} ;;`),
  );
  // -o default completes names of files where no word fits.
  return `# Completes kvs in bash.
_kvs() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...commands.keys(), 'help', '--help', '--version'].join(' '))} -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}:$before" in
${values.join('\n')}
  esac
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
    help) words=${quoted([...commands.keys()].join(' '))} ;;
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$current" in -*) ;; *) [ "\${COMP_WORDS[1]}" = help ] || COMPREPLY+=($(compgen -f -- "$current")) ;; esac
}
complete -o filenames -F _kvs kvs
`;
}

function zsh(commands: Commands): string {
  // In a specification, a colon and brackets have a meaning.
  const described = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');
  const value = ({ type, choices }: OptionDescription) => {
    if (type === 'boolean') return '';
    return choices === undefined ? ':value:_files' : `:value:(${choices.join(' ')})`;
  };
  const cases = [...commands].map(([name, command]) => {
    const options = optionsOf(command).map(([option, description]) =>
      quoted(`--${option}[${described(description.help)}]${value(description)}`),
    );
    const words = argumentWords(command);
    const rest = quoted(words.length === 0 ? '*:file:_files' : `*:word:(${words.join(' ')})`);
    return `    ${name}) _arguments ${[...options, rest].join(' ')} ;;`;
  });
  const names = [...commands].map(([name, { summary }]) => quoted(`${name}:${summary}`));
  return `#compdef kvs
# Completes kvs in zsh.
_kvs() {
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(${names.join(' ')})
    _describe command commands
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _kvs ]; then _kvs "$@"; else compdef _kvs kvs; fi
`;
}

function fish(commands: Commands): string {
  const lines = [...commands].flatMap(([name, command]) => {
    const inside = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    const words = argumentWords(command);
    return [
      `complete -c kvs -f -n __fish_use_subcommand -a ${name} -d ${quoted(command.summary)}`,
      ...(words.length === 0 ? [] : [`complete -c kvs -f ${inside} -a ${quoted(words.join(' '))}`]),
      ...optionsOf(command).map(([option, { type, help, choices }]) => {
        const value = type === 'boolean' ? '' : choices === undefined ? ' -r' : ` -x -a ${quoted(choices.join(' '))}`;
        return `complete -c kvs ${inside} -l ${option}${value} -d ${quoted(help)}`;
      }),
    ];
  });
  return `# Completes kvs in fish.\n${lines.join('\n')}\n`;
}
