import { missing, type MetricFamily } from './reading.ts';

/** `size`: bytes of the engine. */
export const sizeFamily: MetricFamily = {
  paths: ['size'],
  comparesAlready: false,
  read: ({ engineBytes }, path) => {
    if (path !== 'size') return null;
    if (engineBytes === undefined) return missing('the size of the engine is not known');
    return {
      metric: 'size',
      title: 'Engine size',
      unit: 'bytes',
      better: 'lower',
      value: engineBytes,
      n: 1,
      protocol: {},
      spread: { kind: 'none' },
    };
  },
};
