/** What a calibration leaves for the methods that look at it: see system/toolchains/llama-cpp/write-statistics.ts. */
export const statisticsFile = 'statistics.safetensors';
