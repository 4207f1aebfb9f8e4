/** Task queues by capability. Engine queues are named by the toolchain's catalog entry. */
export const controlQueue = 'control';
export const cpuQueue = 'cpu';
