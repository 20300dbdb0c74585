/** Pods metrics (per Pod, AverageValue) that the operator measures itself and can serve to an HPA or fold into its floor. */
export const servedMetrics = ['requests_per_second'] as const;
export type ServedMetric = (typeof servedMetrics)[number];

export const isServed = (metric: string): metric is ServedMetric => servedMetrics.some((served) => served === metric);
