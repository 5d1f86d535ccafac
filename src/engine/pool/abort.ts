interface Subscribers {
  all: Set<() => void>;
  serve: () => void;
}

const subscribers = new WeakMap<AbortSignal, Subscribers>();

/**
 * Calls `listener` when the signal fires, until the returned function is called. A grid gives one signal to all its jobs, and
 * Node takes more than ten listeners of a signal for a leak: so there is one, which serves them all.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  const { all, serve } = subscribers.get(signal) ?? subscribe(signal);
  all.add(listener);
  return () => {
    all.delete(listener);
    if (all.size > 0) return;
    signal.removeEventListener("abort", serve);
    subscribers.delete(signal);
  };
}

function subscribe(signal: AbortSignal): Subscribers {
  const all = new Set<() => void>();
  const serve = (): void => {
    for (const listener of [...all]) listener();
  };
  signal.addEventListener("abort", serve);
  const made = { all, serve };
  subscribers.set(signal, made);
  return made;
}
