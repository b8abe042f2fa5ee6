import { existsSync } from "node:fs";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser that tests open: `CHROME_PATH`, else the system's Chromium; `undefined` where there is none. */
export const chromiumPath: string | undefined = process.env.CHROME_PATH || places.find((path) => existsSync(path));

/** What a skipped test says of its reason. */
export const withoutChromium = "skipped: no Chromium, see CHROME_PATH";
