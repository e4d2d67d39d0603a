import { createHash, timingSafeEqual } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/**
 * Who may use the pages. local: this machine alone, without login. token: whoever has the token, as a bearer or, in a
 * browser, as a cookie that the address with `?token=…` sets.
 */
export type Access = { readonly kind: "local" } | { readonly kind: "token"; readonly token: string };

const COOKIE = "recist3d-review";
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

/**
 * Lets only those through who may come. On the local address that means that other sites cannot reach it through a
 * visitor's browser either: not by a name that resolves to 127.0.0.1, and not by a form or script of their own.
 */
export function guard(access: Access): MiddlewareHandler {
  return async (context, next) => {
    const host = context.req.header("host") ?? "";
    if (access.kind === "local" && !LOCAL.test(host))
      return refuse(context, 421, `this server answers to 127.0.0.1 and localhost, not to "${host}"`);
    if (access.kind === "token") {
      const asked = new URL(context.req.url);
      const offered = asked.searchParams.get("token");
      if (offered !== null && context.req.method === "GET") {
        if (!same(offered, access.token)) return refuse(context, 401, "this token is not the one that recist3d review printed");
        setCookie(context, COOKIE, offered, { httpOnly: true, sameSite: "Lax", path: "/", maxAge: 30 * 24 * 3600 });
        asked.searchParams.delete("token");
        return context.redirect(asked.pathname + asked.search);
      }
      const bearer = /^Bearer (.+)$/.exec(context.req.header("authorization") ?? "")?.[1];
      if (!same(bearer ?? getCookie(context, COOKIE) ?? "", access.token))
        return refuse(context, 401, "open the address with its token, as recist3d review printed it");
    }
    if (!["GET", "HEAD"].includes(context.req.method)) {
      const origin = context.req.header("origin");
      const site = context.req.header("sec-fetch-site");
      if ((origin !== undefined && !isOwn(origin, host)) || (site !== undefined && site !== "same-origin"))
        return refuse(context, 403, "messages are taken from these pages only, not from another site");
      if (!/^application\/json\b/.test(context.req.header("content-type") ?? ""))
        return refuse(context, 415, "messages are JSON (content-type: application/json)");
    }
    return next();
  };
}

function refuse(context: Context, status: 401 | 403 | 415 | 421, error: string): Response {
  return context.json({ error }, status);
}

function isOwn(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Takes as long for a token that is almost right as for one that is not. */
function same(offered: string, token: string): boolean {
  const hash = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(offered), hash(token));
}
