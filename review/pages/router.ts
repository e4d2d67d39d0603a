import { signal } from "@preact/signals";

/** Path of the page that is shown; pages are told apart by it. */
export const path = signal(location.pathname);

window.addEventListener("popstate", () => {
  path.value = location.pathname;
});

export function go(to: string): void {
  history.pushState(null, "", to);
  path.value = to;
  window.scrollTo(0, 0);
}

/** Follows links to our own pages without loading them anew. */
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.origin !== location.origin || link.target !== "" || link.hasAttribute("data-server")) return;
  event.preventDefault();
  go(link.pathname);
});

export const readingPath = (workflow: string): string => `/readings/${encodeURIComponent(workflow)}`;
export const campaignPath = (campaign: string): string => `/campaigns/${encodeURIComponent(campaign)}`;
