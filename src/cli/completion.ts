import { type Command, command, type OptionDescription } from './command.js';
import { writeOut } from './terminal.js';

type Commands = ReadonlyMap<string, Command>;

const SHELLS: Readonly<Record<string, (commands: Commands) => string>> = { bash, zsh, fish };

/** `kvs completion`: a script by which a shell completes the command lines of `kvs`. */
export function completion(commands: () => Commands): Command {
  return command({
    summary: 'print a completion script for a shell',
    arguments: { SHELL: 'bash, zsh or fish' },
    options: {},
    argumentChoices: { SHELL: Object.keys(SHELLS) },
    examples: [
      ['completion bash > ~/.local/share/bash-completion/completions/kvs', 'for bash, in new shells'],
      ['completion zsh > ~/.zfunc/_kvs', 'for zsh, if ~/.zfunc is in fpath'],
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
  return [...Object.entries(options), ['help', { type: 'boolean', help: 'print this help and exit' }]];
}

/** What a shell offers for the value of an option: words, names of files, or nothing that it could know. */
function offeredFor({ value = '', choices, words = [] }: OptionDescription): 'files' | readonly string[] {
  if (choices !== undefined) return choices;
  if (/\b(DIR|FILE)\b/.test(value)) return 'files';
  // Of N|video|audio, those that are to be written as they are.
  return [...value.split('|').filter((word) => /^[a-z]+$/.test(word)), ...words];
}

/** Words to choose from for the arguments of a command; none where they are files. */
function argumentWords({ argumentChoices = {} }: Command): readonly string[] {
  return Object.values(argumentChoices).flat();
}

/** Whether arguments of a command are files. */
function takesFiles(command: Command): boolean {
  return argumentWords(command).length === 0;
}

function bash(commands: Commands): string {
  const names = quoted([...commands.keys()].join(' '));
  const options = [...commands].map(([name, command]) => {
    return `    ${name}) words=${quoted(
      optionsOf(command)
        .map(([option]) => `--${option}`)
        .join(' '),
    )} ;;`;
  });
  const values = [...commands].flatMap(([name, command]) =>
    optionsOf(command)
      .filter(([, { type }]) => type !== 'boolean')
      .map(([option, description]) => {
        const value = offeredFor(description);
        return `    ${name}:--${option}) ${value === 'files' ? 'files=yes' : `words=${quoted(value.join(' '))}`} ;;`;
      }),
  );
  const words = [...commands].map(([name, command]) => {
    return `    ${name}) ${takesFiles(command) ? 'files=yes' : `words=${quoted(argumentWords(command).join(' '))}`} ;;`;
  });
  // It runs in the bash 3.2 of macOS.
  return `# Completes kvs in bash.
_kvs() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words= files= isValue=yes reply
  if [ "$current" = = ]; then
    current=
  elif [ "$before" = = ]; then
    before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  case "\${COMP_WORDS[1]}:$before" in
${values.join('\n')}
    *) isValue= ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    words=${names}' help'
    case "$current" in -*) words='--help --version' ;; esac
  elif [ -z "$isValue" ]; then
    case "$current" in
      -*)
        case "\${COMP_WORDS[1]}" in
${options.map((line) => `    ${line}`).join('\n')}
        esac
        ;;
      *)
        case "\${COMP_WORDS[1]}" in
          help) words=${names} ;;
${words.map((line) => `    ${line}`).join('\n')}
        esac
        ;;
    esac
  fi
  while IFS= read -r reply; do
    COMPREPLY+=("$reply")
  done < <(
    compgen -W "$words" -- "$current"
    [ -z "$files" ] || compgen -f -- "$current"
  )
}
complete -o filenames -F _kvs kvs
`;
}

function zsh(commands: Commands): string {
  // In a specification, a colon and brackets have a meaning.
  const described = (text: string) => text.replaceAll(/[[\]:\\]/g, '\\$&');
  const valueText = (description: OptionDescription) => {
    if (description.type === 'boolean') return '';
    const value = offeredFor(description);
    if (value === 'files') return ':file:_files';
    return `:${described(description.value ?? 'value')}:${value.length === 0 ? ' ' : `(${value.join(' ')})`}`;
  };
  const cases = [...commands].map(([name, command]) => {
    const options = optionsOf(command).map(([option, description]) => {
      const again = description.multiple === true ? '*' : '';
      return quoted(`${again}--${option}[${described(description.help)}]${valueText(description)}`);
    });
    const rest = quoted(takesFiles(command) ? '*:file:_files' : `*:word:(${argumentWords(command).join(' ')})`);
    return `    ${name}) _arguments ${[...options, rest].join(' ')} ;;`;
  });
  const names = [...commands].map(([name, { summary }]) => quoted(`${name}:${described(summary)}`));
  return `#compdef kvs
# Completes kvs in zsh.
_kvs() {
  local -a commands
  commands=(${names.join(' ')})
  if (( CURRENT == 2 )); then
    if [[ $words[2] == -* ]]; then
      compadd -- --help --version
    else
      _describe command commands -- "(help:'print help')"
    fi
    return
  fi
  local name=$words[2]
  shift words
  (( CURRENT-- ))
  case $name in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _kvs ]; then _kvs "$@"; else compdef _kvs kvs; fi
`;
}

function fish(commands: Commands): string {
  const names = quoted([...commands.keys()].join(' '));
  const lines = [...commands].flatMap(([name, command]) => {
    const inside = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    const words = argumentWords(command);
    return [
      `complete -c kvs -f -n __fish_use_subcommand -a ${name} -d ${quoted(command.summary)}`,
      ...(words.length === 0 ? [] : [`complete -c kvs -f ${inside} -a ${quoted(words.join(' '))}`]),
      ...optionsOf(command).map(([option, description]) => {
        return `complete -c kvs ${inside} -l ${option}${fishValue(description)} -d ${quoted(description.help)}`;
      }),
    ];
  });
  return `# Completes kvs in fish.
complete -c kvs -f -n __fish_use_subcommand -a help -d 'print help'
complete -c kvs -f -n __fish_use_subcommand -l help -d 'print help'
complete -c kvs -f -n __fish_use_subcommand -l version -d 'print the version'
complete -c kvs -f -n '__fish_seen_subcommand_from help' -a ${names}
${lines.join('\n')}
`;
}

function fishValue(description: OptionDescription): string {
  if (description.type === 'boolean') return '';
  const value = offeredFor(description);
  if (value === 'files') return ' -rF';
  return value.length === 0 ? ' -x' : ` -x -a ${quoted(value.join(' '))}`;
}
