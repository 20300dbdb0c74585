import type { Kube } from '../../operator/kube/client.ts';
import { openCollection } from '../../operator/kube/collection.ts';
import type { Logger } from '../../operator/kube/logger.ts';
import { horizontalPodAutoscalers } from '../../operator/levers/horizontal/hpa.ts';
import { generationServices } from '../../operator/reconcilers/kinds.ts';

/** What has been seen since the round began: key of the service → performance.now() of the watch event. */
export interface Round {
  readonly readyAt: ReadonlyMap<string, number>;
  readonly autoscaledAt: ReadonlyMap<string, number>;
  /** When `count` services are Ready in their newest generation and have their HPA. @returns When the last of both was seen. */
  complete(count: number, signal: AbortSignal): Promise<number>;
}

/** A watch that is opened anew is no news here: it goes on where it was. */
const quiet = (): void => undefined;
const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error: console.error };

/** The harness's own eyes: one watch of the services, one of the HPAs, the same for every contestant. */
export interface Observer extends AsyncDisposable {
  /** Counts services that are Ready in this generation, and HPAs with this `maxReplicas`. */
  round(wanted: { readonly generation: number; readonly maxReplicas: number }): Round;
  /** Keys of all HPAs. */
  autoscalers(): readonly string[];
}

export async function openObserver(kube: Kube, signal: AbortSignal): Promise<Observer> {
  const services = openCollection({
    kube,
    logger,
    resource: generationServices,
    project: ({ metadata, status }) => ({
      service: `${metadata.namespace}/${metadata.name}`,
      generation: status?.observedGeneration,
      isReady: status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True'),
    }),
  });
  const autoscalers = openCollection({
    kube,
    logger,
    resource: horizontalPodAutoscalers,
    project: ({ metadata, spec }) => ({
      key: `${metadata.namespace}/${metadata.name}`,
      service: `${metadata.namespace}/${spec.scaleTargetRef.name}`,
      maxReplicas: spec.maxReplicas,
    }),
  });
  await Promise.all([services.synced(signal), autoscalers.synced(signal)]);

  const round: Observer['round'] = ({ generation, maxReplicas }) => {
    const readyAt = new Map<string, number>();
    const autoscaledAt = new Map<string, number>();
    let onProgress: (() => void) | undefined;
    const note = (seen: Map<string, number>, service: string): void => {
      if (seen.has(service)) return;
      seen.set(service, performance.now());
      onProgress?.();
    };
    const stopServices = services.onChange(({ after }) => {
      if (after?.isReady === true && after.generation === generation) note(readyAt, after.service);
    });
    const stopAutoscalers = autoscalers.onChange(({ after }) => {
      if (after?.maxReplicas === maxReplicas) note(autoscaledAt, after.service);
    });
    return {
      readyAt,
      autoscaledAt,
      complete: (count, until) =>
        new Promise((resolve, reject) => {
          const stop = (): void => {
            stopServices();
            stopAutoscalers();
            until.removeEventListener('abort', onAbort);
          };
          const onAbort = (): void => {
            stop();
            reject(
              new Error(`saw ${readyAt.size} Ready and ${autoscaledAt.size} HPAs, not ${count}`, {
                cause: until.reason,
              }),
            );
          };
          until.addEventListener('abort', onAbort);
          onProgress = () => {
            if (readyAt.size < count || autoscaledAt.size < count) return;
            stop();
            resolve(Math.max(...readyAt.values(), ...autoscaledAt.values()));
          };
          onProgress();
        }),
    };
  };
  return {
    round,
    autoscalers: () => [...autoscalers.list()].map(({ key }) => key),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([services[Symbol.asyncDispose](), autoscalers[Symbol.asyncDispose]()]);
    },
  };
}
