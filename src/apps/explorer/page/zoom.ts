/** How many times as large as 16 pixels the page's letters are: pictures and figures grow with them, on large screens. */
export const zoomOfLetters = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
