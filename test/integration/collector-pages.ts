import type { IncomingMessage, ServerResponse } from 'node:http';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A service that has answered `perSecond` requests a second since now. */
export function serving(perSecond: number, start = performance.now()): Answer {
  return (_, response) => {
    const count = (perSecond * (performance.now() - start)) / 1_000;
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(
      `http_server_request_duration_seconds_bucket{le="0.1"} ${count * 0.9}\n` +
        `http_server_request_duration_seconds_bucket{le="+Inf"} ${count}\n` +
        `http_server_request_duration_seconds_sum ${count * 0.05}\nhttp_server_request_duration_seconds_count ${count}\n` +
        `generation_workflows_in_flight 3\nprocess_resident_memory_bytes 1e9\nprocess_cpu_seconds_total ${count / 1000}\n`,
    );
  };
}

/** The same as OpenMetrics, with all that it has besides. */
export function servingOpenMetrics(perSecond: number): Answer {
  const start = performance.now();
  return (_, response) => {
    const count = Math.round((perSecond * (performance.now() - start)) / 1_000);
    const name = 'http_server_request_duration_seconds';
    const exemplar = '# {trace_id="4bf9 } # {",span_id="00"} 0.067 1764349200.123';
    response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    response.end(
      [
        `# TYPE ${name} histogram`,
        `# UNIT ${name} seconds`,
        `# HELP ${name} Of \\"requests\\".`,
        `${name}_bucket{le="0.1"} ${count * 0.9} ${exemplar}`,
        `${name}_bucket{le="+Inf"} ${count} ${exemplar}`,
        `${name}_sum ${count * 0.05}`,
        `${name}_count ${count}`,
        `${name}_created 1764349200.5`,
        '# TYPE generation_workflows_in_flight gauge',
        'generation_workflows_in_flight 3 1764349200.25',
        'process_resident_memory_bytes 1e9',
        '# TYPE process_cpu_seconds counter',
        '# UNIT process_cpu_seconds seconds',
        `process_cpu_seconds_total ${count / 1000} # {} 1`,
        'process_cpu_seconds_created 1764349200.5',
        '# EOF',
        '',
      ].join('\n'),
    );
  };
}
