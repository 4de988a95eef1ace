// What tsc cannot see: the libraries, which collect.mjs puts beside our files, and names younger than its own.
declare module '*/vendor/marked.js' {
  export class Lexer {
    constructor(options: unknown);
    tokens: { links: Record<string, unknown> };
    lex(text: string): any[];
  }
  export class Marked {
    constructor(options: unknown);
    defaults: unknown;
    use(options: unknown): void;
  }
}
declare module '*/vendor/uplot.js' {
  const uPlot: any;
  export default uPlot;
}
declare module '*/vendor/highlight/core.js' {
  const hljs: any;
  export default hljs;
}
declare module '*/vendor/katex/katex.js';
declare var katex: any;
interface Window {
  trustedTypes?: any;
}
declare var trustedTypes: any;
