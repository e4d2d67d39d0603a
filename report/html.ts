/** Markup that is safe to put into a page as it is. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
  toString(): string {
    return this.markup;
  }
}

type Child = Html | string | number | null | undefined | false | readonly Child[];

/** Template tag: what is interpolated is escaped unless it is `Html`; lists are joined; null, undefined and false vanish. */
export function html(strings: TemplateStringsArray, ...children: readonly Child[]): Html {
  return new Html(strings.reduce((markup, text, i) => markup + text + (i < children.length ? render(children[i]) : ""), ""));
}

function render(child: Child): string {
  if (child === null || child === undefined || child === false) return "";
  if (child instanceof Html) return child.markup;
  if (typeof child === "object") return child.map(render).join("");
  return escapeHtml(String(child));
}

/** Text with the five characters that mean something in HTML, SVG and attribute values written as entities. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
