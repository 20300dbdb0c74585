import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { waitUntil } from '../../hack/cluster/ready.ts';
import type { Kube } from '../../operator/kube/client.ts';

/** One request that the operator made. */
export interface AuditedRequest {
  readonly verb: string;
  /** `generationservices/status`; the path for what is no resource. */
  readonly resource: string;
  readonly status: number;
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly objectRef?: { readonly resource?: string; readonly subresource?: string };
  readonly responseStatus?: { readonly code?: number };
}

const markPath = '/version';

/** Writes the policy: the operator's requests, and our own marks; nothing of the rest, so that logging costs every contestant the same. @returns Flags of kube-apiserver. */
export async function auditFlags(folder: string, operator: string): Promise<readonly string[]> {
  const path = join(folder, 'audit-policy.yaml');
  const rules = [
    { level: 'Metadata', users: [operator] },
    { level: 'Metadata', nonResourceURLs: [markPath] },
    { level: 'None' },
  ];
  await writeFile(
    path,
    stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', omitStages: ['RequestReceived'], rules }),
  );
  return [
    `--audit-policy-file=${path}`,
    '--audit-log-batch-max-wait=1s',
    '--audit-log-batch-buffer-size=100000', // what does not fit would be lost
    '--audit-log-maxsize=10000',
  ];
}

/** Reads on in the log. A mark is a request of our own: what stands between two of them was asked in between. */
export class AuditLog {
  readonly #path: string;
  readonly #kube: Kube;
  #offset = 0;
  #rest = '';
  #marks = 0;

  constructor(path: string, kube: Kube) {
    this.#path = path;
    this.#kube = kube;
  }

  /** The operator's requests since the last call. A watch counts when it starts, all else when it ends. */
  async lap(signal: AbortSignal): Promise<readonly AuditedRequest[]> {
    const mark = `${markPath}?mark=${++this.#marks}`;
    await this.#kube.raw({ path: mark }, signal);
    const events: AuditEvent[] = [];
    const isComplete = async (): Promise<boolean> => {
      events.push(...(await this.#read()));
      return events.some(({ requestURI }) => requestURI === mark);
    };
    await waitUntil('the mark in the audit log', isComplete, { timeoutMs: 30_000, signal });
    return events
      .filter(({ verb, stage }) => verb !== 'watch' || stage === 'ResponseStarted')
      .filter(({ requestURI }) => !requestURI.startsWith(`${markPath}?mark=`))
      .map(({ verb, requestURI, objectRef, responseStatus }) => ({
        verb,
        resource: [objectRef?.resource ?? requestURI.split('?')[0], objectRef?.subresource].filter(Boolean).join('/'),
        status: responseStatus?.code ?? 0,
      }));
  }

  async #read(): Promise<readonly AuditEvent[]> {
    await using file = await open(this.#path);
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(size - this.#offset), 0, size - this.#offset, this.#offset);
    this.#offset = size;
    const lines = (this.#rest + buffer.toString('utf8')).split('\n');
    this.#rest = lines.pop() ?? '';
    return lines.map((line) => JSON.parse(line) as AuditEvent);
  }
}

const reading: ReadonlySet<string> = new Set(['get', 'list', 'watch']);
export const isWrite = ({ verb }: AuditedRequest): boolean => !reading.has(verb);
export const isLease = ({ resource }: AuditedRequest): boolean => resource === 'leases';

/** `patch generationservices/status` → how often; refused ones apart. */
export function countByKind(requests: readonly AuditedRequest[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { verb, resource, status } of requests) {
    const name = `${verb} ${resource}${status >= 400 ? ` (${status})` : ''}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return Object.fromEntries(Object.entries(counts).toSorted(([, a], [, b]) => b - a));
}
