import { expect, test } from '@jest/globals';
import type { LoadBalancerReport } from '../../../operator/api/load-balancer-report.ts';
import { createAgentMetrics, type AgentFigures } from '../../../operator/telemetry/agent-metrics.ts';
import { sampleLines } from '../../world/metrics-page.ts';

const pods = (...names: readonly string[]) =>
  names.map((pod) => ({ server: `${pod}:80`, pod, weight: 32, why: 'Equal' }));
const reportOf = (loads: number, ...names: readonly string[]): LoadBalancerReport => ({
  version: 1,
  serverVersion: '1.31.3',
  capabilities: [],
  loaded: {
    hash: '0123456789ab',
    method: 'LeastConn',
    https: false,
    servers: { workflow: names.length },
    weights: { workflow: { mode: 'Equal', pods: pods(...names) } },
  },
  drainingWorkers: 1,
  loads,
});

const linesOf = async (page: { metrics(): Promise<string> }): Promise<readonly string[]> =>
  sampleLines(await page.metrics());

test('says what nginx has loaded, how often and with how many connections, and what it has not taken', async () => {
  let report = reportOf(3, 'a', 'b');
  let figures: AgentFigures = { generation: 'aaaaaaaaaaaa', connections: 7, rejections: 2, lost: 5 };
  const { page } = createAgentMetrics({ report: async () => report, figures: async () => figures });
  expect(await linesOf(page)).toEqual(
    expect.arrayContaining([
      'genops_nginx_info{generation="aaaaaaaaaaaa",settings="0123456789ab",version="1.31.3"} 1',
      'genops_nginx_connections 7',
      'genops_nginx_loads_total 3',
      'genops_nginx_rejections_total 2',
      'genops_nginx_requests_lost_total 5',
      'genops_nginx_rejected 0',
      'genops_nginx_draining_workers 1',
      'genops_nginx_weight{upstream="workflow",pod="b"} 32',
    ]),
  );

  report = { ...reportOf(4, 'a'), rejected: { message: 'no' } };
  figures = { ...figures, generation: 'bbbbbbbbbbbb', rejections: 3 };
  const next = await linesOf(page);
  expect(next).toEqual(
    expect.arrayContaining([
      'genops_nginx_loads_total 4',
      'genops_nginx_rejections_total 3',
      'genops_nginx_rejected 1',
    ]),
  );
  expect(next.filter((line) => line.startsWith('genops_nginx_info'))).toHaveLength(1);
  expect(next.filter((line) => line.startsWith('genops_nginx_weight'))).toHaveLength(1);
});

test('counts each attempt by its result, and times those only that a Pod has served', async () => {
  const figures: AgentFigures = { generation: undefined, connections: undefined, rejections: 0, lost: 0 };
  const metrics = createAgentMetrics({ report: async () => reportOf(0), figures: async () => figures });
  const tries = (['Served', 'Shed', 'Failed', 'Shed'] as const).map((result) => ({ result, startMs: 0, endMs: 20 }));
  metrics.note({ upstream: 'workflow', tries });
  const lines = await linesOf(metrics.page);
  const counted = (result: string) => `genops_nginx_upstream_requests_total{upstream="workflow",result="${result}"}`;
  expect(lines).toEqual(
    expect.arrayContaining([
      `${counted('Served')} 1`,
      `${counted('Shed')} 2`,
      `${counted('Failed')} 1`,
      `${counted('Cut')} 0`,
      'genops_nginx_upstream_duration_seconds_count{upstream="workflow"} 1',
    ]),
  );
  expect(lines.filter((line) => line.startsWith('genops_nginx_info'))).toEqual([]);
});
