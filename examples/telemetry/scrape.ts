/** Metrics for Prometheus in a server of your own, and what every run of an effect took. */
import { subscribe } from 'node:diagnostics_channel';
import type { DeliveryMessage, Runtime } from 'holdfast';

/** For `GET /metrics` of any server that knows `Request` and `Response`. */
export async function metricsOf(runtime: Runtime): Promise<Response> {
  const headers = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };
  return new Response(await runtime.metrics(), { headers });
}

/** Calls `tell` with every message that could not be sent. */
export function onUnsent(tell: (channel: string, error: string | undefined) => void): void {
  subscribe('holdfast:delivery', (message) => {
    const { channel, outcome, error } = message as DeliveryMessage;
    if (outcome === 'failed') tell(channel, error);
  });
}
