import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, watch, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What HTTPS is served with. */
export interface Certificate {
  /** With tls.crt and tls.key, as long as they are served: another pair has another folder. Undefined: there is none to serve. */
  readonly folder: string | undefined;
  /** Why it is not what is mounted, in the words of nginx. */
  readonly refused?: string;
  /** Where no pair is mounted. */
  readonly missing?: string;
}

export interface CertificatesOptions {
  /** Where somebody puts tls.crt and tls.key. */
  readonly mounted: string;
  /** Ours; what is accepted survives in it. */
  readonly folder: string;
  /** nginx' words on a pair that it does not take. */
  readonly refusal: (folder: string, signal: AbortSignal) => Promise<string | undefined>;
}

const files = ['tls.crt', 'tls.key'] as const;
/** nginx may have refused it for want of something else than the right key. */
const tryAgainMs = 30_000;

/** Copies of what is mounted, of which nginx is only told once it has taken them: a key that does not fit stops neither a reload nor the next start. */
export class Certificates {
  readonly #options: CertificatesOptions;
  #refused: { readonly hash: string; readonly message: string; readonly at: number } | undefined;

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** What is mounted, where nginx takes it; else what it took last. */
  async current(signal: AbortSignal): Promise<Certificate> {
    const pair = await pairIn(this.#options.mounted);
    const accepted = await this.#accepted();
    const before = { folder: accepted === undefined ? undefined : this.#of(accepted) };
    if (pair === undefined) return { ...before, missing: `no tls.crt and tls.key in ${this.#options.mounted}` };
    const hash = hashOf(pair);
    if (hash === accepted) return before;
    const refused = await this.#refusal(pair, hash, signal);
    return refused === undefined ? { folder: this.#of(hash) } : { ...before, refused };
  }

  /** nginx has loaded this one: no other is needed any more. */
  async keepOnly(folder: string | undefined): Promise<void> {
    const own = this.#options.folder;
    const kept = folder === undefined ? [] : [basename(folder), link];
    const others = (await orNothing(readdir(own)))?.filter((name) => !kept.includes(name)) ?? [];
    await Promise.all(others.map((name) => rm(join(own, name), { recursive: true, force: true })));
  }

  async #refusal(pair: Pair, hash: string, signal: AbortSignal): Promise<string | undefined> {
    const { mounted, refusal } = this.#options;
    const known = this.#refused;
    if (known?.hash === hash && performance.now() < known.at + tryAgainMs) return known.message;
    const next = this.#of('next');
    await rm(next, { recursive: true, force: true });
    await mkdir(next, { recursive: true, mode: 0o700 });
    await Promise.all(files.map((name, index) => writeFile(join(next, name), pair[index] ?? '', { mode: 0o600 })));
    const words = await refusal(next, signal);
    if (words === undefined) return this.#accept(next, hash);
    await rm(next, { recursive: true });
    const message = words.replaceAll(next, mounted);
    this.#refused = { hash, message, at: performance.now() };
    return message;
  }

  async #accept(next: string, hash: string): Promise<undefined> {
    const unfinished = this.#of(`${link}.next`);
    await Promise.all([this.#of(hash), unfinished].map((path) => rm(path, { recursive: true, force: true })));
    await rename(next, this.#of(hash));
    await symlink(hash, unfinished);
    await rename(unfinished, this.#of(link));
  }

  #accepted(): Promise<string | undefined> {
    return orNothing(readlink(this.#of(link)));
  }

  #of(name: string): string {
    return join(this.#options.folder, name);
  }
}

/** Leads to the last pair that nginx took. */
const link = 'accepted';

type Pair = readonly Buffer[];

/** Undefined where one of them is missing. */
const pairIn = (folder: string): Promise<Pair | undefined> =>
  orNothing(Promise.all(files.map((name) => readFile(join(folder, name)))));

const hashOf = (pair: Pair): string =>
  pair
    .reduce((hash, file) => hash.update(file), createHash('sha256'))
    .digest('hex')
    .slice(0, 12);

/** Undefined: there is no such file. */
async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Tells of each change in the folder: the kubelet puts all of a Secret's new files there at once. Ends where there is no such folder, or nobody tells of it: it is looked at now and then all the same. */
export async function followCertificate(folder: string, onChange: () => void, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of watch(folder, { signal })) onChange();
  } catch (error) {
    if (!Error.isError(error) || (error.name !== 'AbortError' && !('code' in error))) throw error;
  }
}
