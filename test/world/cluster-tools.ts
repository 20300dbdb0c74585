import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startCluster, type Cluster } from '../../hack/cluster/cluster.ts';
import { buildImage } from '../../hack/image/build.ts';
import { nginxImage } from '../../hack/image/nginx.ts';
import { operatorImage } from '../../hack/image/operator.ts';
import { postgresImage } from '../../hack/image/postgres.ts';
import { redisImage } from '../../hack/image/redis.ts';
import { workloadImage } from '../../hack/image/workload.ts';
import { clusterName } from './world.ts';

const run = promisify(execFile);
const images = {
  operator: operatorImage,
  workload: workloadImage,
  redis: redisImage,
  postgres: postgresImage,
  nginx: nginxImage,
};

export interface ClusterTools {
  readonly cluster: Cluster;
  /** What the program prints; rejects with its stderr. */
  kubectl(...args: readonly string[]): Promise<string>;
  helm(...args: readonly string[]): Promise<string>;
}

/** The cluster with these images in it: built from this checkout where their inputs changed. */
export async function clusterTools(
  wanted: readonly (keyof typeof images)[],
  signal: AbortSignal,
): Promise<ClusterTools> {
  const cluster = await startCluster({ name: clusterName() }, signal);
  for (const name of wanted) {
    const { tarPath } = await buildImage(await images[name](signal), signal);
    await cluster.loadImage(tarPath, signal);
  }
  const program =
    (name: string) =>
    async (...args: readonly string[]): Promise<string> => {
      const env = { ...process.env, KUBECONFIG: cluster.kubeconfigPath };
      const { stdout } = await run(path.join(cluster.binDir, name), args, {
        env,
        timeout: 120_000,
        maxBuffer: 2 ** 26,
        signal,
      });
      return stdout;
    };
  return { cluster, kubectl: program('kubectl'), helm: program('helm') };
}
