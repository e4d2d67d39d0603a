import type { ComponentChildren } from "preact";
import icon from "./icon.svg";

/** The bar on top of every page, with what a page adds to it, and the page below. */
export function Shell(props: {
  title: ComponentChildren;
  aside?: ComponentChildren;
  wide?: boolean;
  children: ComponentChildren;
}) {
  return (
    <>
      <header class="bar">
        <a class="home" href="/" aria-label="recist3d review: what waits">
          <img src={icon} alt="" width="22" height="22" />
          recist3d
        </a>
        <h1>{props.title}</h1>
        <div class="aside">{props.aside}</div>
      </header>
      <main class={props.wide ? "wide" : ""}>{props.children}</main>
    </>
  );
}

/** How a campaign or a step stands, with a dot in its colour. */
export function State({ state }: { state: string }) {
  return <span class={`state ${state.replaceAll(" ", "-")}`}>{state}</span>;
}

/** Something that went wrong, said aloud by screen readers. */
export function Notice({ kind = "warn", children }: { kind?: "warn" | "info"; children: ComponentChildren }) {
  return (
    <p class={`notice ${kind}`} role={kind === "warn" ? "alert" : "status"}>
      {children}
    </p>
  );
}
