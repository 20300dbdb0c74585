import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { hashNumber, settingsHash } from '../api/runtime-hash.ts';
import type { RuntimeSettings } from '../api/runtime-settings.ts';
import { checkSettings } from './check-settings.ts';
import { defaultSettings } from './default-settings.ts';
import { follow } from './follow.ts';
import { told } from './told.ts';

/** The settings that are in force now, and who wants to know of the next. */
export interface LiveSettings {
  readonly current: RuntimeSettings;
  /** Called with each change that is taken over, however it came; what it throws or rejects with is a warning of the process. @returns Ends it. */
  onChange(listener: (settings: RuntimeSettings) => unknown): () => void;
}

/** Settings that are also told to the process itself. */
export interface PushedSettings extends LiveSettings {
  /**
   * Takes over what came another way than by the file, behind which a volume lags by a minute: pushed by the operator. The next change of the file counts again.
   *
   * @param text As it stands in the ConfigMap. @throws {RangeError} What is wrong with it; what was in force stays.
   */
  take(text: string): TakenOver;
}

export interface SettingsFile extends PushedSettings, Disposable {
  /** What is wrong with the file as it stands now; undefined: nothing. It is in force then, unless something newer was pushed. */
  readonly problem: string | undefined;
}

/** Hashes as the gauge has them. */
export interface TakenOver {
  readonly hashBefore: number;
  readonly hash: number;
}

export interface SettingsFileOptions {
  /** `settings.json` of the mounted ConfigMap. */
  readonly file: string;
  /** How often it is looked at. Polling costs a read of two kilobytes, and sees every kind of volume. */
  readonly everyMs?: number;
  /** Until the file was there for the first time; by default the guide's figures. */
  readonly orElse?: RuntimeSettings;
  /** Told once for each new problem. */
  readonly onProblem?: (message: string) => unknown;
}

/** A volume lags behind what was pushed: by a minute, and as much again where the kubelet is busy. */
const lagMs = 120_000;

/**
 * Settings from a file, taken over whenever it changes. A file that is broken, of another version or gone leaves the last good settings in force, and so does one with what a push has replaced lately.
 */
export async function watchSettings(options: SettingsFileOptions): Promise<SettingsFile> {
  const { file, everyMs = 1_000, orElse = defaultSettings, onProblem } = options;
  const live = createSettings(orElse);
  const outdated = createOutdated();
  const stop = new AbortController();
  let [text, problem]: (string | undefined)[] = [];
  const look = async (): Promise<void> => {
    const read = await readFile(file, 'utf8').catch((error: Error) => error);
    const found = typeof read === 'string' ? read : undefined;
    if (found !== undefined && found === text) return;
    const next = typeof read === 'string' ? readSettings(read) : { problem: read.message };
    const isOutdated = !('problem' in next) && outdated.has(next.hash);
    text = isOutdated ? undefined : found; // it is looked at anew: what stands there still when the volume should have the newer one is meant
    const before = problem;
    problem =
      'problem' in next
        ? `saw ${file}: ${next.problem}; wanted runtime settings of version 1; next: nothing, the last good ones stay in force`
        : undefined;
    if (problem !== undefined && problem !== before) told(onProblem, problem);
    if (!('problem' in next) && !isOutdated) live.set(next);
  };
  await look();
  const ended = follow(look, everyMs, stop.signal);
  return {
    get current() {
      return live.current;
    },
    get problem() {
      return problem;
    },
    onChange: (listener) => live.onChange(listener),
    take(given) {
      const { hash } = live.current;
      const taken = live.take(given);
      outdated.replace(hash, live.current.hash);
      return taken;
    },
    [Symbol.dispose]() {
      stop.abort();
      void ended;
    },
  };
}

/** Hashes of settings in whose place others were pushed lately: the volume may still bring them. */
function createOutdated() {
  const until = new Map<string, number>();
  return {
    replace(before: string, next: string): void {
      until.set(before, performance.now() + lagMs);
      until.delete(next); // pushed again: it is the newest now
    },
    has(hash: string): boolean {
      for (const [one, end] of until) if (end <= performance.now()) until.delete(one);
      return until.has(hash);
    },
  };
}

/** Settings that a program sets itself: for tests, and for who has them from elsewhere. */
export function createSettings(first: RuntimeSettings): PushedSettings & { set(next: RuntimeSettings): void } {
  const listeners = new Set<(settings: RuntimeSettings) => unknown>();
  let current = first;
  const set = (next: RuntimeSettings): void => {
    if (isDeepStrictEqual(next, current)) return;
    current = next;
    for (const listener of listeners) told(listener, next);
  };
  return {
    get current() {
      return current;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    set,
    take(text) {
      const next = readSettings(text);
      if ('problem' in next)
        throw new RangeError(`saw settings of which ${next.problem}; wanted runtime settings of version 1`);
      const hashBefore = hashNumber(current.hash);
      set(next);
      return { hashBefore, hash: hashNumber(next.hash) };
    },
  };
}

/** Called with each change of that one section. What another section changes is no reason to open connections anew. */
export function onSectionChange<Section extends keyof RuntimeSettings>(
  settings: LiveSettings,
  section: Section,
  listener: (next: RuntimeSettings[Section]) => void,
): () => void {
  let before = settings.current[section];
  return settings.onChange(({ [section]: next }) => {
    if (isDeepStrictEqual(next, before)) return;
    before = next;
    listener(next);
  });
}

/** Fields beyond the schema are a newer operator's, and are left alone. The hash is that of the text: who edits a figure leaves the one that stands there, and nobody would see what runs. */
function readSettings(text: string): RuntimeSettings | { readonly problem: string } {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    return { problem: Error.isError(error) ? error.message : String(error) };
  }
  const problem = checkSettings(document);
  if (problem !== undefined) return { problem };
  const settings = document as RuntimeSettings;
  return { ...settings, hash: settingsHash(settings) };
}
