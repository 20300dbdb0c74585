import { connectKube } from '../kube/client.ts';
import type { ClusterConfig } from '../kube/config.ts';
import type { Holder } from '../kube/lease.ts';
import type { OperatorDeps, Running } from '../reconcilers/operator.ts';
import { serveApi, type Api } from '../serve/api.ts';
import { createAuthority } from '../serve/authority.ts';
import { consolePage } from '../serve/console/pages.ts';
import { openCustomMetrics } from '../serve/custom-metrics-server.ts';
import { createLeading, type Leading } from '../serve/leading.ts';
import { createRateLimit } from '../serve/rate-limit.ts';
import type { ViewsDeps } from '../serve/views-server.ts';
import { leaderOf } from './lease.ts';
import { versionNumber } from './version.ts';
import { openViewSources } from './view-sources.ts';

/** What this process is now. */
export interface Role {
  /** Its reconcilers, while it leads. */
  running: Running | undefined;
  /** Who has the Lease, as last seen. */
  holder: Holder | undefined;
}

export interface ApiInput {
  readonly config: ClusterConfig;
  readonly world: OperatorDeps;
  readonly role: Role;
  readonly address: string;
  readonly certDir: string;
  readonly views: boolean;
  readonly audience: string | undefined;
  readonly signal: AbortSignal;
}

/** For each address that asks: a console that looks every few seconds is far below it. */
const viewRate = { perSecond: 50, atOnce: 100 };
/** Reviews have connections of their own: nobody who asks for views holds up a reconcile. */
const reviewConnection = { connections: 4, timeoutMs: 5_000 };

/** What is served over HTTPS. Undefined where nothing was asked for. @throws when the certificate or the address cannot be had. */
export async function openApi(input: ApiInput): Promise<Api | undefined> {
  const { world, role, views, address, certDir, signal } = input;
  const { kube, collector, logger, metricsApi } = world;
  if (metricsApi === undefined && !views) return undefined;
  await using stack = new AsyncDisposableStack();
  const leading = stack.use(
    createLeading({
      leads: () => role.running !== undefined,
      leader: () => leaderOf(role.holder),
      keyPair: () => api.keyPair(),
    }),
  );
  const customMetrics =
    metricsApi === undefined ? undefined : stack.use(openCustomMetrics({ kube, collector, leading, logger }));
  const viewsDeps = views ? openViews(input, leading, stack) : undefined;
  const api: Api = stack.use(await serveApi({ address, certDir, logger, signal, customMetrics, views: viewsDeps }));
  const owned = stack.move();
  return { port: api.port, keyPair: () => api.keyPair(), [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function openViews(
  { config, world: { caches, collector, standings, clock, metrics }, role, audience }: ApiInput,
  leading: Leading,
  stack: AsyncDisposableStack,
): ViewsDeps {
  const reviewer = stack.use(connectKube(config, { userAgent: `genops/${versionNumber} views`, ...reviewConnection }));
  return {
    sources: stack.use(openViewSources({ caches, collector, standings, clock, running: () => role.running })),
    authority: createAuthority({ kube: reviewer, audience }),
    leading,
    limit: createRateLimit(viewRate),
    registry: metrics.registry,
    pages: consolePage,
  };
}
