import { picture, subject } from "../state.ts";
import { Canvas } from "./canvas.tsx";

/** The pictures as small ones in a row; one of them is looked at. */
export function Pictures() {
  const pictures = subject.value?.pictures ?? [];
  return (
    <div class="strip" role="radiogroup" aria-label="Picture">
      {pictures.map(({ name, isRight, pixels, predicted }, i) => (
        <label key={i} class="thumb" title={name}>
          <input type="radio" name="picture" checked={picture.value === i} onChange={() => (picture.value = i)} />
          <Canvas pixels={pixels} label={`${name}${predicted === undefined ? "" : `, predicted ${predicted}`}`} />
          {isRight === false && <span class="wrong">✗</span>}
        </label>
      ))}
    </div>
  );
}
