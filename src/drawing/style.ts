/**
 * The colours and fonts of a chart that stands for itself, light and dark. A page has its own.
 *
 * Callers: svg.ts. Invariant: fonts are monospaced, as text-size.ts measures them.
 */
export const standaloneStyle = `
.chart{--paper:#fff;--box:#f6f8fa;--line:#8c959f;--ink:#1f2328;--dim:#59636e;--blue:#0550ae;--violet:#6639ba;
--green:#116329;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media(prefers-color-scheme:dark){.chart{--paper:#0d1117;--box:#151b23;--line:#6e7681;--ink:#f0f6fc;
--dim:#9198a1;--blue:#79c0ff;--violet:#d2a8ff;--green:#7ee787}}
.paper{fill:var(--paper)}
.box{fill:var(--box);stroke:var(--line)}
.compound>.box,.parallel>.box{fill:var(--paper)}
.region>.box{stroke-dasharray:6 4}
.inner{fill:none;stroke:var(--line)}
text{fill:var(--ink);white-space:pre}
.name{font-size:13px;font-weight:600}
.entry,.exit{fill:var(--green)}
.invoke{fill:var(--violet)}
.stay,.badge{fill:var(--dim)}
.dot{fill:var(--ink)}
.wire{fill:none;stroke:var(--line);stroke-width:1.3}
.head{fill:var(--line)}
.label{fill:var(--paper)}
.signpost>.label{stroke:var(--line);stroke-dasharray:2 2}
.way{fill:var(--blue)}
.heading{font-weight:600}
`;
