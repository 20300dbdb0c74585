import { describe, expect, jest, test } from '@jest/globals';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashNumber, settingsHash } from '../../../operator/api/runtime-hash.ts';
import { effectivePolicy } from '../../../operator/decide/effective-policy.ts';
import { render } from '../../../operator/levers/runtime/render.ts';
import { defaultSettings } from '../../../operator/runtime/default-settings.ts';
import { watchSettings } from '../../../operator/runtime/settings.ts';
import { consistently, eventually } from '../../world/eventually.ts';

test('the defaults are what an empty policy gives', () => {
  const { settings } = render(effectivePolicy({}).policy.runtime);
  expect({ ...settings, hash: '' }).toEqual({ ...defaultSettings, hash: '' });
});

/** A folder as the kubelet mounts a ConfigMap: files are links into `..data`, which is exchanged as a whole. */
async function mountedFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'genops-settings-'));
  const file = join(folder, 'settings.json');
  let version = 0;
  return {
    file,
    async write(text: string) {
      version += 1;
      await mkdir(join(folder, `..v${version}`));
      await writeFile(join(folder, `..v${version}`, 'settings.json'), text);
      await symlink(`..v${version}`, join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
      if (version === 1) await symlink('..data/settings.json', file);
    },
    remove: () => rm(file),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
const settingsWith = (io: number) => {
  const settings = { ...defaultSettings, pools: { io } };
  return { ...settings, hash: settingsHash(settings) };
};
const textWith = (io: number) => JSON.stringify(settingsWith(io));

describe('watchSettings()', () => {
  test('begins with the defaults, and takes over what is mounted later and each change of it', async () => {
    await using mounted = await mountedFolder();
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    expect(settings.current).toBe(defaultSettings);
    expect(settings.problem).toContain('ENOENT');
    const told: unknown[] = [];
    settings.onChange(({ pools }) => told.push(pools));
    await mounted.write(textWith(3));
    await eventually(() => expect(settings.current.pools).toEqual({ io: 3 }));
    expect(settings.problem).toBeUndefined();
    await mounted.write(textWith(4));
    await eventually(() => expect(settings.current).toEqual(settingsWith(4)));
    expect(told).toEqual([{ io: 3 }, { io: 4 }]);
  });

  test('takes over what is pushed before the volume has it, and tells of it once', async () => {
    await using mounted = await mountedFolder();
    await mounted.write(textWith(3));
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    const told: unknown[] = [];
    settings.onChange(({ pools }) => told.push(pools));
    const [before, hash] = [3, 4].map((io) => hashNumber(settingsWith(io).hash));
    const pushed = textWith(4);
    expect(settings.take(pushed)).toEqual({ hashBefore: before, hash });
    expect(settings.take(pushed)).toEqual({ hashBefore: hash, hash });
    expect(() => settings.take('{"version":2}')).toThrow('/version is 2, not 1');
    expect(settings.current.pools).toEqual({ io: 4 });
    await mounted.write(pushed);
    await mounted.write(textWith(5));
    await eventually(() => expect(settings.current.pools).toEqual({ io: 5 }));
    expect(told).toEqual([{ io: 4 }, { io: 5 }]);
  });

  test('says the hash of what stands there, also where somebody has edited a figure and left the hash alone', async () => {
    await using mounted = await mountedFolder();
    const { settings: written, text } = render(effectivePolicy({}).policy.runtime);
    await mounted.write(text);
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    expect(settings.current).toEqual(written);
    await mounted.write(text.replace('"ai_api": 5', '"ai_api": 888'));
    await eventually(() => expect(settings.current.pools).toMatchObject({ ai_api: 888 }));
    const edited = settings.current.hash;
    expect(edited).not.toBe(written.hash);
    expect(settings.take(text)).toEqual({ hashBefore: hashNumber(edited), hash: hashNumber(written.hash) }); // and what is pushed is not taken for what runs already
    await consistently(() => expect(settings.current).toEqual(written), { forMs: 100 }); // though the volume has the other one yet
  });

  test('does not go back when the volume brings what a push has replaced, for two minutes', async () => {
    await using mounted = await mountedFolder();
    await mounted.write(textWith(3));
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    const [first, second] = [textWith(4), textWith(5)];
    settings.take(first);
    settings.take(second);
    await mounted.write(first);
    await consistently(() => expect(settings.current.pools).toEqual({ io: 5 }), { forMs: 300 });
    const now = performance.now.bind(performance);
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now() + 120_000); // by then the volume has what was pushed: somebody means it
    try {
      await eventually(() => expect(settings.current.pools).toEqual({ io: 4 }));
    } finally {
      clock.mockRestore();
    }
  });

  test('goes back to what was replaced where that was pushed again', async () => {
    await using mounted = await mountedFolder();
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    const [first, second] = [textWith(4), textWith(5)];
    for (const pushed of [first, second, first]) settings.take(pushed);
    await mounted.write(textWith(6));
    await eventually(() => expect(settings.current.pools).toEqual({ io: 6 }));
    await mounted.write(first);
    await eventually(() => expect(settings.current.pools).toEqual({ io: 4 }));
  });

  test.each<{ name: string; text: string; says: string }>([
    { name: 'that is cut off', text: textWith(9).slice(0, 40), says: 'JSON' },
    { name: 'of another version', text: textWith(9).replace('"version":1', '"version":2'), says: '/version' },
    { name: 'with a figure that cannot be', text: textWith(0), says: '/pools' },
    { name: 'of nothing', text: '', says: 'JSON' },
  ])('stays with the last good settings while there is a file $name, and says so once', async ({ text, says }) => {
    await using mounted = await mountedFolder();
    await mounted.write(textWith(3));
    const problems: string[] = [];
    using settings = await watchSettings({
      file: mounted.file,
      everyMs: 5,
      onProblem: (message) => problems.push(message),
    });
    await mounted.write(text);
    await eventually(() => expect(settings.problem).toContain(says));
    expect(settings.current.pools).toEqual({ io: 3 });
    await mounted.write(textWith(5));
    await eventually(() => expect(settings.current.pools).toEqual({ io: 5 }));
    expect(problems).toHaveLength(1);
  });

  test('stays with the last good settings when the file goes, and ignores fields of a newer operator', async () => {
    await using mounted = await mountedFolder();
    const later = { ...defaultSettings, later: { unheard: 1 } };
    const hash = settingsHash(later);
    await mounted.write(JSON.stringify({ ...later, hash }));
    using settings = await watchSettings({ file: mounted.file, everyMs: 5 });
    expect(settings.current).toEqual({ ...later, hash });
    await mounted.remove();
    await eventually(() => expect(settings.problem).toContain('ENOENT'));
    expect(settings.current.hash).toBe(hash);
  });

  test('goes on, and tells the next, when one who is told throws, at once or later', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockReturnValue();
    try {
      await using mounted = await mountedFolder();
      using settings = await watchSettings({
        file: mounted.file,
        everyMs: 5,
        onProblem: (problem) => {
          throw new Error(`no log of ${problem}`);
        },
      });
      const told: unknown[] = [];
      settings.onChange(() => {
        throw new Error('no room');
      });
      settings.onChange(async () => Promise.reject(new Error('no luck')));
      settings.onChange(({ pools }) => told.push(pools));
      await mounted.write(textWith(3));
      await eventually(() => expect(told).toEqual([{ io: 3 }]));
      await mounted.write(textWith(4));
      await eventually(() => expect(told).toEqual([{ io: 3 }, { io: 4 }]));
      expect(warned.mock.calls.map(([warning]) => /no \w+/.exec(String(warning))?.[0])).toEqual([
        'no log',
        'no room',
        'no luck',
        'no room',
        'no luck',
      ]);
    } finally {
      warned.mockRestore();
    }
  });
});
