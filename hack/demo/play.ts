import { setTimeout as delay } from 'node:timers/promises';
import { durationSeconds } from '../../test/workload/load/profile.ts';
import type { Second } from '../../test/workload/load/recorder.ts';
import { runLoad, type LoadSummary } from '../../test/workload/load/run.ts';
import { block, line, type AccountInput } from './account.ts';
import { editByHand } from './hand-edit.ts';
import type { Programs } from './programs.ts';
import { editedIn, isTuned, marksBetween, type Mark, type Recording, type Sample } from './record.ts';
import type { Screen } from './screen.ts';
import { takeSnapshot, type RedisSettings, type Snapshot, type SnapshotDeps } from './snapshot.ts';
import { handEditAtSecond, profile, rates, requests } from './story.ts';

export interface PlayDeps extends SnapshotDeps {
  readonly programs: Programs;
  readonly screen: Screen;
}

export interface Played extends Recording {
  readonly load: LoadSummary;
}

/** Seconds between two lines where the block cannot be redrawn. */
const lineEvery = 5;
/** An API server or Redis that does not answer for so long ends the demo. */
const blindForMs = 10_000;
/** The load goes on for so long after the replicas have come down, so that the picture shows it. */
const quietSeconds = 6;

/**
 * The load, the edit by hand in its middle, and the account of both. Ends when the replicas have come down, or with the load.
 *
 * @param first The world as the load begins: Ready, tuned.
 */
export async function play(
  { first, redisBefore }: { readonly first: Snapshot; readonly redisBefore: RedisSettings },
  deps: PlayDeps,
  signal: AbortSignal,
): Promise<Played> {
  const [samples, marks]: [Sample[], Mark[]] = [[], []];
  const done = new AbortController();
  const ended = AbortSignal.any([signal, done.signal]);
  let [latest, lookedAt] = [first, 0];
  let editedAt: number | undefined;

  const observe = async (): Promise<void> => {
    let seenAt = performance.now();
    while (!ended.aborted) {
      try {
        const from = performance.now();
        latest = await takeSnapshot(deps, AbortSignal.any([signal, AbortSignal.timeout(blindForMs)]));
        [lookedAt, seenAt] = [from, performance.now()];
      } catch (error) {
        signal.throwIfAborted();
        if (performance.now() - seenAt > blindForMs) throw error;
      }
      await delay(500, undefined, { signal: ended }).catch(() => undefined);
    }
  };
  const onSecond = (second: Second): void => {
    if (ended.aborted) return; // a second that was cut short
    const snapshot = editedAt === undefined ? latest : editedIn(latest, marks, { isOlder: lookedAt < editedAt });
    const fresh = marksBetween(samples.at(-1)?.snapshot ?? first, snapshot, second.second);
    const sample = { ...second, snapshot };
    samples.push(sample);
    marks.push(...fresh);
    tell({ sample, marks, fresh, redisBefore, samples }, deps.screen);
    if (hasComeDown(samples)) done.abort();
  };
  const load = runLoad(
    {
      profile,
      requests,
      targets: () => latest.targets,
      allow: podRanges(first.targets),
      onSecond,
      timeoutMs: 15_000,
    },
    ended,
  ).finally(() => done.abort());
  const edit = editInTheMiddle(deps, ended).then((was) => void (editedAt = was ? performance.now() : undefined));
  const [summary] = await Promise.all([load, observe().finally(() => done.abort()), edit]);
  signal.throwIfAborted();
  return { samples, marks, redisBefore, redisAfter: first.redis, load: summary };
}

/** @returns Whether it came to that. */
async function editInTheMiddle({ programs, screen }: PlayDeps, signal: AbortSignal): Promise<boolean> {
  await delay(handEditAtSecond * 1000, undefined, { signal }).catch(() => undefined);
  if (signal.aborted) return false;
  screen.say(`  by hand: ${await editByHand(programs, signal)}`);
  return true;
}

interface Telling extends Pick<AccountInput, 'sample' | 'marks' | 'redisBefore'> {
  readonly fresh: readonly Mark[];
  readonly samples: readonly Sample[];
}

function tell({ fresh, samples, ...rest }: Telling, screen: Screen): void {
  const failed = samples.reduce((sum, { errors, refused }) => sum + errors + refused, 0);
  const input = { ...rest, failed, totalSeconds: durationSeconds(profile) };
  if (screen.isTerminal) return screen.draw(block(input));
  for (const { second, text } of fresh) screen.say(`${`${second} s`.padStart(5)}  ${text}`);
  if (rest.sample.second % lineEvery === 0) screen.say(line(input));
}

/** Whether the replicas have risen, have come down and stayed there, and Redis is as it should be. */
function hasComeDown(samples: readonly Sample[]): boolean {
  const first = samples[0]?.snapshot.replicas.desired ?? 0;
  const isCalm = ({ sent, snapshot }: Sample): boolean =>
    snapshot.replicas.desired <= first &&
    snapshot.replicas.ready <= first &&
    sent < rates.busy / 2 &&
    isTuned(snapshot.redis);
  return samples.length > handEditAtSecond + quietSeconds && samples.slice(-quietSeconds).every(isCalm);
}

/** The /16 of the Pods, which is all that the load may reach. */
function podRanges(targets: readonly string[]): readonly string[] {
  return [...new Set(targets.map((target) => `${new URL(target).hostname.split('.').slice(0, 2).join('.')}.0.0/16`))];
}
