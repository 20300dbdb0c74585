/** Only a start takes these, and a standby has to have at least what its primary has. */
export const copiedNames = ['max_connections', 'max_worker_processes'] as const;
export type CopiedName = (typeof copiedNames)[number];

export const isCopied = (name: string): name is CopiedName => copiedNames.some((one) => one === name);
