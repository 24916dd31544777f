import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../src/ebml/writer.js';
import { writeGetMediaFragment } from '../../src/testing/get-media-writer.js';
import { kvs } from '../support/cli.js';
import { fragmentInput } from '../support/kvs-documents.js';
import { describeNeeding, tools } from '../support/tools.js';
import { RECORDING } from '../testing/support.js';

const COMMANDS = [...kvs(['help']).stdout.matchAll(/^ {2}(?!help)([a-z]+) (?:\[options\]|<|\[)/gm)].map(
  ([, name = '']) => name,
);

describe('the command line', () => {
  it('tells its version', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    for (const word of ['--version', '-V'])
      expect(kvs([word])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('lists its commands, on standard error where none is named', () => {
    expect(COMMANDS).toEqual(
      expect.arrayContaining(['inspect', 'fragments', 'frames', 'merge', 'remux', 'record', 'serve']),
    );
    for (const words of [['help'], ['--help'], ['-h']]) expect(kvs(words)).toMatchObject({ status: 0, stderr: '' });
    expect(kvs([])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('merge') });
  });

  it.each(COMMANDS)('explains every option of %s, with an example', (name) => {
    const run = kvs([name, '--help']);
    expect(run).toMatchObject({ status: 0, stderr: '' });
    expect(kvs(['help', name])).toEqual(run);
    expect(run.stdout).toMatch(new RegExp(`^Usage: kvs ${name} `));
    expect(run.stdout).toMatch(new RegExp(`Examples:\n  kvs ${name} .*\n      \\S`));
    const [usage = ''] = run.stdout.split('\n');
    for (const [, option] of usage.matchAll(/\[--([\w-]+)/g)) {
      expect(run.stdout, option).toMatch(new RegExp(`^  --${option}\\b.*\\S`, 'm'));
    }
  });

  it.each([
    ['mrge', [], 'Did you mean merge?'],
    ['fragment', [RECORDING], 'Did you mean fragments?'],
    ['merge', ['--pack-cluster', 'a', 'b'], 'Did you mean --pack-clusters?'],
    ['frames', [RECORDING, '--jsn'], 'Did you mean --json?'],
  ])('suggests what %s %j may have meant', (name, words, suggestion) => {
    expect(kvs([name, ...words])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(suggestion) });
  });

  it.each([
    [['frames', RECORDING, '--track', 'vidio'], '--track vidio'],
    [['frames', RECORDING, '--track', '0'], '--track 0'],
    [['frames', RECORDING, '--hash', 'md5'], 'sha256'],
    [['frames', RECORDING, '--stream', 'door'], 'cannot be used together'],
    [['frames', RECORDING, '--from', '2026-01-01'], '--from requires --stream'],
    [['frames'], 'FILE is missing'],
    [['frames', '--stream', 'door', '--start', 'never'], '--start never'],
    [['frames', '--stream', 'door', '--start', 'fragment:x'], 'digits'],
    [['frames', '--stream', 'door', '--endpoint', 'nowhere'], '--endpoint nowhere'],
    [['fragments', '--stream', 'door', '--to', '2026-01-01'], '--from is missing'],
    [['completion', 'tcsh'], 'bash'],
  ])('refuses %j', (words, message) => {
    const { status, stdout, stderr } = kvs(words);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`usage: kvs ${words[0]}`);
  });

  it.each(['inspect', 'fragments', 'frames'])('%s tells that the input ends inside a header or Void', (name) => {
    const document = writeGetMediaFragment(fragmentInput(0));
    for (const end of [Uint8Array.of(0x1a, 0x45), Uint8Array.of(0xec, 0x85, 0)]) {
      const cut = concatBytes([document, end]);
      const run = kvs([name, '-'], cut);
      expect(run.stderr).toBe(`kvs: -: warning: byte ${cut.length}: the stream ends here, inside an element\n`);
      expect(run.status).toBe(0);
      expect(kvs([name, '-', '--strict'], cut).status).toBe(1);
      expect(kvs([name, '-', '--recover'], cut).stderr).toContain('the stream ends');
    }
    expect(kvs([name, '-'], document).stderr).toBe('');
  });

  it.each(['inspect', 'fragments', 'frames'])('%s has something to say of an empty or foreign input', (name) => {
    expect(kvs([name, '-'], new Uint8Array(0))).toMatchObject({ status: 1, stderr: 'kvs: -: the input is empty\n' });
    for (const option of [[], ['--recover']]) {
      const { status, stderr } = kvs([name, '-', ...option], new TextEncoder().encode('<html><body>503</body></html>'));
      expect(status).toBe(1);
      expect(stderr).toMatch(/this is HTML, not Matroska\n$/);
    }
  });

  it('reads URLs', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/camera.mkv') response.end(readFileSync(RECORDING));
      else response.writeHead(404, 'Not Found').end('nothing');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    // The server is in this process, which must not wait for the command.
    const { execFile } = await import('node:child_process');
    const run = (url: string) =>
      new Promise<string>((resolve) => {
        execFile(process.execPath, ['dist/cli/main.js', 'fragments', url, '--json'], (error, stdout, stderr) => {
          resolve(error === null ? stdout : `exit ${error.code}: ${stderr}`);
        });
      });
    expect(await run(`${base}/camera.mkv`)).toBe(kvs(['fragments', RECORDING, '--json']).stdout);
    expect(await run(`${base}/none`)).toBe(`exit 1: kvs: ${base}/none: the server responded with 404 Not Found\n`);
    server.close();
    expect(await run(`${base}/none`)).toMatch(/^exit 1: kvs: .*cannot be read: .*ECONNREFUSED/);
    expect(kvs(['fragments', `file://${process.cwd()}/${RECORDING}`]).status).toBe(0);
  });
});

describe('kvs completion', () => {
  /** What bash would offer for a line that ends in its last word. */
  function offered(...words: string[]): string[] {
    const script = `
      source <(printf '%s' "$SCRIPT")
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _kvs; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, SCRIPT: kvs(['completion', 'bash']).stdout },
    });
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  }

  it('completes commands, options, their values and files in bash', () => {
    expect(offered('kvs', 'me')).toEqual(['merge']);
    expect(offered('kvs', 'help', 'me')).toEqual(['merge']);
    expect(offered('kvs', 'merge', '--pack')).toEqual(['--pack-clusters']);
    expect(offered('kvs', 'frames', '--hash', '')).toEqual(['sha256']);
    expect(offered('kvs', 'merge', 'packa')).toContain('package.json');
    expect(offered('kvs', 'completion', 'z')).toEqual(['zsh']);
    expect(offered('kvs', '--v')).toEqual(['--version']);
    expect(offered('kvs', 'hls', '--mode', '=', 'l')).toEqual(['live']);
    expect(offered('kvs', 'frames', '--track', '')).toEqual(['video', 'audio']);
    expect(offered('kvs', 'frames', '--out', 'packa')).toContain('package.json');
    expect(offered('kvs', 'frames', '--duration', '')).toEqual(['']);
    expect(offered('kvs', 'fleet', '')).toEqual(['worker', 'follow', 'unfollow', 'status']);
  });

  /** Lines, and words that a shell offers at their ends. */
  const OFFERS: readonly (readonly [line: string, offer: string])[] = [
    ['kvs me', 'merge'],
    ['kvs help sp', 'split'],
    ['kvs hls --mode re', 'replay'],
    ['kvs frames --track v', 'video'],
    ['kvs merge --pack', '--pack-clusters'],
    ['kvs completion ba', 'bash'],
    ['kvs fleet wo', 'worker'],
    ['kvs merge package-l', 'package-lock.json'],
    ['kvs frames --out package-l', 'package-lock.json'],
  ];

  describeNeeding('completion in fish', [tools('fish')], () => {
    it('is the same', () => {
      const lines = OFFERS.map(([line]) => `complete -C '${line}' | string collect; echo ---`);
      const script = `printf '%s' "$SCRIPT" | source; ${lines.join('; ')}`;
      const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], {
        encoding: 'utf8',
        env: { ...process.env, SCRIPT: kvs(['completion', 'fish']).stdout },
      });
      expect(stderr).toBe('');
      const offers = stdout.split('---\n').map((text) => text.split(/[\t\n]/)[0]);
      expect(offers.slice(0, -1)).toEqual(OFFERS.map(([, offer]) => offer));
    });
  });

  describeNeeding('completion in zsh', [tools('zsh')], () => {
    it('is the same', () => {
      // Completion needs a line editor: an interactive shell in a terminal of its own, which runs each line that a tab has completed.
      const script = `
        zmodload zsh/zpty
        zpty shell zsh -f -i
        zpty -w shell 'PS1= PROMPT_EOL_MARK=; unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; eval "$SCRIPT"'
        zpty -w shell 'kvs() { print -r -- "<$*>" }; echo rea""dy'
        zpty -m -r shell text '*ready*'
        for line in "$@"; do
          zpty -w -n shell "$line"$'\\t\\n'
          zpty -m -r shell text '*<*>*'
          print -r -- "$text"
        done
        zpty -d shell`;
      const { stdout } = spawnSync('zsh', ['-f', '-c', script, 'zsh', ...OFFERS.map(([line]) => line)], {
        encoding: 'utf8',
        env: { ...process.env, SCRIPT: kvs(['completion', 'zsh']).stdout, TERM: 'dumb' },
        timeout: 60_000,
      });
      const completed = [...stdout.matchAll(/<([^<>]*)>/g)].map(([, words]) => words);
      const expected = OFFERS.map(([line, offer]) => line.replace(/^kvs /, '').replace(/\S+$/, offer));
      expect(completed).toEqual(expected);
    });
  });
});
