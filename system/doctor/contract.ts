/** Where to look. Paths may lead nowhere: that is what the checks are to find out. */
export interface HostPlaces {
  /** Name on PATH or path of the C++ compiler. */
  readonly compiler: string;
  readonly temporalServer: string;
  readonly weightsProgram: string;
  /** Undefined: the libraries of the npm package. */
  readonly llamaLibraries?: string | undefined;
  /** The folder of store, database and logs. */
  readonly home: string;
  /** URL of the model hub. */
  readonly hubEndpoint: string;
}

export interface Finding {
  readonly ok: boolean;
  /** What is there, in one line. */
  readonly found: string;
  /** What to do about it; empty when all is well. */
  readonly advice: string;
}

export interface HostCheck {
  readonly name: string;
  /** What does not work without it. */
  readonly neededFor: string;
  readonly look: (places: HostPlaces, signal: AbortSignal) => Promise<Finding>;
}

export function good(found: string): Finding {
  return { ok: true, found, advice: '' };
}

export function bad(found: string, advice: string): Finding {
  return { ok: false, found, advice };
}
