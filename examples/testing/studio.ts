/** The studio's API, as far as the example needs it. No test calls it. */
export interface Film {
  readonly url: string;
}

export async function renderFilm(prompt: string, key: string, signal: AbortSignal): Promise<Film> {
  const response = await fetch('https://studio.example/films', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ prompt }),
    signal,
  });
  if (!response.ok) throw new Error(`the studio says ${response.status}`);
  return (await response.json()) as Film;
}
