const steps = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units with three digits, as disks and downloads are sold. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  // 999.5 would round to 1000, which three digits cannot show.
  while (value >= (step === 0 ? 1000 : 999.5) && step < steps.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${step === 0 ? value : value >= 999.5 ? Math.round(value) : value.toPrecision(3)} ${steps[step]}`;
}
