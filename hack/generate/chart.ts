import { crds } from './crds.ts';

/** The CRDs as Helm wants them: in the chart itself. */
export const chartCrds = (): ReadonlyMap<string, string> =>
  new Map([...crds()].map(([file, text]) => [file.replace(/^crds\//, 'charts/genops/crds/'), text]));
