/** The inspector room's face for the assembly and the doors. */
export { createInspector, type Inspector } from './inspector.js';
export { startInspector, type ListeningInspector } from './listen.js';
export { OpenInspectors } from './open-inspectors.js';
export { checkInspector, type InspectorOptions } from './options.js';
