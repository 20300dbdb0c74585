/** The one word that names a lever everywhere: its folder, metric label, docs page and key in the state ConfigMap. */
export const leverNames = [
  'horizontal',
  'vertical',
  'resources',
  'redis',
  'postgresql',
  'postgresql-indexes',
  'runtime',
  'load-balancer',
  'http-route',
] as const;
export type LeverName = (typeof leverNames)[number];
