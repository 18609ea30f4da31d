/** What is to be embedded: texts by name. */
export const documents: Readonly<Record<string, string>> = {
  lighthouse: [
    'The lighthouse stands on the last rock before the open sea. Its keeper climbs the stairs',
    'at dusk. The keeper keeps the light until morning. In fog a bell is rung by hand. The lamp',
    'burned oil until the cable came. Now a motor turns the lens. The lens was ground a hundred',
    'years ago. Nobody has found a crack in it.',
  ].join(' '),
  harbour: [
    'The harbour lies behind two walls of stone. Boats come in with the evening flood. Nets are',
    'mended on the quay. The auction begins when the bell is heard. Most of the catch is sold',
    'before dark. Ice is brought from the house on the hill. A crane lifts what is heavy. The',
    'cat sleeps on the ropes.',
  ].join(' '),
  tide: [
    'The tide comes twice a day. It is late by fifty minutes each time. Pools stay behind',
    'between the stones. Children look for crabs in them. A storm from the west holds the water',
    'in. Then the lower street is under water. People carry their chairs upstairs. By noon they',
    'carry them down again.',
  ].join(' '),
  ferry: [
    'The ferry crosses the bay in half an hour. It takes twelve cars and a bus. In winter it',
    'goes at noon alone. The captain knows each rock by its name. There is coffee in the cabin.',
    'Letters travel in a locked box. Nobody has stolen a letter yet. The last trip waits for',
    'the doctor.',
  ].join(' '),
};
