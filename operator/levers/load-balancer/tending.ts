import { isDeepStrictEqual } from 'node:util';
import { checkLoadBalancerSettings } from '../../api/check-load-balancer-settings.ts';
import type { LoadBalancerReport } from '../../api/load-balancer-report.ts';
import type { LoadBalancerSettings } from '../../api/load-balancer-settings.ts';
import type { Logger } from '../../kube/logger.ts';
import { requeueAfter, type Next } from '../../kube/loop.ts';
import type { AgentFigures } from '../../telemetry/agent-metrics.ts';
import type { Certificate, Certificates } from './certificate.ts';
import { connectionsOf } from './connections.ts';
import { serversOf, unusableServices, type EndpointsView } from './endpoints.ts';
import { keep, readKept, type Kept } from './kept.ts';
import { differingSince, hasRevived, nextLoad, settingsToServe, tryAgainAt, type Failed } from './next-load.ts';
import type { DnsServer } from './dns-server.ts';
import type { NginxProcess } from './nginx-process.ts';
import type { NginxProgram } from './nginx-program.ts';
import { render, type Place, type Rendered } from './render.ts';
import { replicasOf } from './replicas.ts';
import type { LoggedRequest } from './request-log.ts';
import type { RequestLog } from './request-log-server.ts';
import { methodOf, weightsModeOf, type ServersByUpstream } from './upstreams.ts';
import { withLabels } from './weight-labels.ts';
import { Weighing } from './weighing.ts';
import { weightsReport } from './weights-report.ts';
import type { Watched } from './watched.ts';

export interface TendingOptions {
  /** `namespace/name` of the ConfigMap. */
  readonly configMap: string;
  readonly place: Place;
  readonly program: NginxProgram;
  readonly certificates: Pick<Certificates, 'current' | 'keepOnly'>;
  readonly nginx: NginxProcess;
  readonly dns: Pick<DnsServer, 'announce'>;
  readonly watched: Watched;
  readonly log: Pick<RequestLog, 'lost'>;
  /** Of this nginx. */
  readonly addresses: ReadonlySet<string>;
  /** Whether everything that is watched was listed once. */
  readonly isListed: () => boolean;
  readonly jitterMs: number;
  readonly logger: Logger;
}

interface Serving extends Kept {
  readonly generation: string;
  readonly at: number;
  readonly https: boolean;
}

/** A certificate may lie where nobody tells of another one. */
const lookAgainMs = 30_000;

/** One nginx: what it serves, what it should, and what became of that. */
export class Tending {
  readonly #options: TendingOptions;
  #serving: Serving | undefined;
  /** When another generation was wanted first than the one that is served. */
  #differingSince: number | undefined;
  #declared: LoadBalancerSettings | undefined;
  /** Why what is declared cannot be read. */
  #unreadable: string | undefined;
  #failed: Failed | undefined;
  #certificate: Certificate = { folder: undefined };
  #loads = 0;
  #rejections = 0;
  #weighing: Weighing | undefined;

  constructor(options: TendingOptions) {
    this.#options = options;
  }

  /** Brings nginx to what is declared and to the Pods that are ready, or says when. */
  async tend(signal: AbortSignal): Promise<Next> {
    const { program, place, dns } = this.#options;
    const kept = await this.#toServe(signal);
    if (kept === undefined) return requeueAfter(this.#againMs);
    dns.announce({ ...this.#serving?.servers, ...kept.servers }); // until it is loaded nginx asks for what it has
    const certificate = this.#certificate.folder;
    const rendered = render({ ...kept, capabilities: program.capabilities, place, certificate });
    const next = await this.#next(kept, rendered.generation);
    if (next.action === 'load') await this.#load(kept, rendered, certificate, signal);
    if (next.action === 'nothing') await this.#keep(kept);
    const untilWeighed = this.#weighing?.dueInMs(kept.settings, performance.now()) ?? lookAgainMs;
    return requeueAfter(Math.min(next.action === 'wait' ? next.delayMs : this.#againMs, lookAgainMs, untilWeighed));
  }

  /** Settings with HTTPS are served with a pair only; without one what is served goes on: nothing is answered in the clear that was to be led to HTTPS. Undefined: nothing is loaded. */
  async #secured(settings: LoadBalancerSettings, signal: AbortSignal): Promise<LoadBalancerSettings | undefined> {
    await this.#lookAtCertificate(settings, signal);
    const { folder } = this.#certificate;
    return [settings, this.#serving?.settings].find((one) => one?.listen.https === undefined || folder !== undefined);
  }

  async #lookAtCertificate({ listen }: LoadBalancerSettings, signal: AbortSignal): Promise<void> {
    const { configMap, logger } = this.#options;
    const found: Certificate = listen.https === undefined ? { folder: undefined } : await this.#pair(signal);
    if (found.refused !== undefined && found.refused !== this.#certificate.refused) {
      this.#rejections += 1;
      logger.error('certificate rejected', { configMap, message: found.refused });
    }
    if (found.missing !== undefined && found.missing !== this.#certificate.missing)
      logger.error('no certificate', { configMap, message: found.missing });
    this.#certificate = found;
  }

  async #pair(signal: AbortSignal): Promise<Certificate> {
    const { certificates, program } = this.#options;
    if (program.capabilities.has('ssl')) return certificates.current(signal);
    return { folder: undefined, refused: `nginx ${program.version} is built without ngx_http_ssl_module` };
  }

  async #next({ settings, servers }: Kept, generation: string): Promise<ReturnType<typeof nextLoad>> {
    const { nginx, jitterMs } = this.#options;
    const drainingGenerations = (await nginx.draining()).generations;
    const [loaded, now] = [this.#serving, performance.now()];
    const given = { wanted: generation, loaded: loaded?.generation, now };
    this.#differingSince = differingSince(this.#differingSince, given);
    return nextLoad({
      wanted: { generation, since: this.#differingSince ?? now },
      loaded,
      isUrgent: hasRevived(loaded?.servers ?? {}, servers),
      drainingGenerations,
      minIntervalMs: settings.minReloadIntervalMs,
      jitterMs,
      now,
    });
  }

  /** Sooner where something was refused. */
  get #againMs(): number {
    const untilTry = this.#failed === undefined ? 0 : tryAgainAt(this.#failed) - performance.now();
    return untilTry <= 0 ? lookAgainMs : Math.min(untilTry, lookAgainMs);
  }

  /** Why nothing of what is declared is served; undefined where something is. */
  get refusal(): string | undefined {
    const all = [this.#rejected?.message, this.#certificate.missing].filter((words) => words !== undefined);
    return all.length === 0 ? undefined : all.join('; ');
  }

  /** For /metrics, beside the report. */
  async figures(signal: AbortSignal): Promise<AgentFigures> {
    const { program, place, log } = this.#options;
    const serving = this.#serving;
    const { http, https } = serving?.settings.listen ?? {};
    const ports = [http, https].filter((port) => port !== undefined);
    const isCounted = program.capabilities.has('stubStatus');
    return {
      generation: serving?.generation,
      connections: serving && (await connectionsOf({ folder: place.folder, isCounted, ports }, signal)),
      rejections: this.#rejections,
      lost: await log.lost(),
    };
  }

  async report(): Promise<LoadBalancerReport> {
    const { program, nginx } = this.#options;
    return {
      version: 1,
      serverVersion: program.version,
      capabilities: [...program.capabilities],
      ...(this.#serving === undefined ? {} : { loaded: this.#loaded(this.#serving) }),
      ...(this.#rejected === undefined ? {} : { rejected: this.#rejected }),
      ...(this.#certificate.missing === undefined ? {} : { isWithoutPair: true }),
      drainingWorkers: (await nginx.draining()).workers,
      loads: this.#loads,
    };
  }

  #loaded(serving: Serving): NonNullable<LoadBalancerReport['loaded']> {
    const { program, watched, isListed } = this.#options;
    const mode = weightsModeOf(serving.settings, program.capabilities);
    const labels = mode === 'Static' ? watched.labels() : undefined;
    const weights = weightsReport({ ...serving, mode, labels, weighing: this.#weighing });
    const { upstreams } = serving.settings;
    const unusable = isListed() ? unusableServices(upstreams, (service) => this.#slicesOf(service)) : {};
    return { ...reported(serving, program), unusable, weights };
  }

  get #rejected(): LoadBalancerReport['rejected'] {
    const hash = this.#declared?.hash ?? this.#serving?.settings.hash;
    const failed = this.#failed?.hash === hash ? this.#failed : undefined;
    const ofNginx = [failed?.message, this.#certificate.refused].filter((words) => words !== undefined);
    const all = [this.#unreadable, ...ofNginx].filter((words) => words !== undefined);
    if (all.length === 0) return undefined;
    return {
      ...(hash === undefined || ofNginx.length === 0 ? {} : { hash }), // what cannot be read has none
      message: all.join('; '), // one does not hide another
      ...(all.length === 1 && failed?.isSilent === true ? { isSilent: true } : {}),
    };
  }

  /** Until everything is listed what was served last; nobody knows yet whether a Pod that is not seen is gone. */
  async #toServe(signal: AbortSignal): Promise<Kept | undefined> {
    const { isListed, place } = this.#options;
    if (!isListed()) {
      const kept = this.#serving === undefined ? await readKept(place.folder) : undefined;
      return kept && (await this.#secured(kept.settings, signal)) && kept;
    }
    this.#readDeclared();
    const chosen = settingsToServe({
      declared: this.#declared,
      loaded: this.#serving?.settings,
      failed: this.#failed,
      now: performance.now(),
    });
    const settings = chosen && (await this.#secured(chosen, signal));
    if (settings === undefined) return undefined;
    const servers = serversOf(settings.upstreams, (service) => this.#slicesOf(service));
    return { settings, servers: await this.#weighed(settings, servers) };
  }

  #slicesOf(service: string): readonly EndpointsView[] {
    return this.#options.watched.endpoints.by('service', service);
  }

  async #weighed(settings: LoadBalancerSettings, servers: ServersByUpstream): Promise<ServersByUpstream> {
    const { watched, log, addresses, program } = this.#options;
    const { upstreams } = settings;
    const mode = weightsModeOf(settings, program.capabilities);
    if (mode !== 'Adaptive') this.#weighing = undefined;
    if (mode === 'Equal') return servers;
    const inForce = this.#serving?.servers ?? {};
    if (mode === 'Static') return withLabels({ servers, inForce, labels: watched.labels() });
    this.#weighing ??= new Weighing();
    const services = new Set(upstreams.map(({ service }) => service));
    const isSameMode = this.#serving?.settings.weights.mode === 'Adaptive';
    return this.#weighing.weigh({
      settings,
      servers,
      inForce: isSameMode ? inForce : {},
      lost: await log.lost(),
      replicas: replicasOf({ slices: watched.endpoints.list(), own: addresses, upstreams: services }),
      now: performance.now(),
    });
  }

  /** Of each request that nginx has passed on. */
  hear(request: LoggedRequest): void {
    this.#weighing?.note(request);
  }

  #readDeclared(): void {
    const { watched, configMap, logger } = this.#options;
    const text = watched.settings.get(configMap)?.text;
    const checked = text === undefined ? undefined : checkLoadBalancerSettings(text);
    const unreadable = checked?.kind === 'invalid' ? checked.message : undefined;
    if (unreadable !== undefined && unreadable !== this.#unreadable)
      logger.error('settings that cannot be read', { configMap, message: unreadable });
    this.#unreadable = unreadable;
    this.#declared = checked?.kind === 'valid' ? checked.settings : undefined;
  }

  async #load(kept: Kept, rendered: Rendered, certificate: Certificate['folder'], signal: AbortSignal): Promise<void> {
    const { nginx, certificates, place, logger } = this.#options;
    const { hash } = kept.settings;
    const { generation } = rendered;
    const outcome = await nginx.load(rendered, signal);
    if (outcome.result === 'rejected') {
      const { result: _, ...refusal } = outcome;
      const { message } = refusal;
      this.#rejections += 1;
      const failed = this.#failed?.hash === hash ? this.#failed : undefined;
      if (failed?.message !== message) logger.error('configuration rejected', { hash, message });
      this.#failed = { hash, ...refusal, at: performance.now(), times: (failed?.times ?? 0) + 1 };
      return;
    }
    this.#forgetFailure(hash);
    this.#differingSince = undefined;
    this.#serving = { ...kept, generation, at: performance.now(), https: certificate !== undefined };
    this.#loads += 1;
    logger.info('configuration loaded', { hash, generation });
    await keep(place.folder, kept);
    await certificates.keepOnly(certificate);
  }

  /** In force without a reload: nginx was told of other Pods, or it is nothing that nginx is told. */
  async #keep({ settings, servers }: Kept): Promise<void> {
    const serving = this.#serving;
    if (serving === undefined) return;
    this.#forgetFailure(settings.hash); // what it did not take is wanted no more
    if (serving.settings.hash === settings.hash && isDeepStrictEqual(serving.servers, servers)) return;
    this.#serving = { ...serving, settings, servers };
    await keep(this.#options.place.folder, { settings, servers });
  }

  #forgetFailure(hash: string): void {
    if (this.#failed?.hash === hash) this.#failed = undefined;
  }
}

const reported = ({ settings, servers, https }: Serving, { capabilities }: NginxProgram) => ({
  hash: settings.hash,
  method: methodOf(settings.upstream, capabilities),
  https,
  servers: Object.fromEntries(Object.entries(servers).map(([name, all]) => [name, all.length])),
});
