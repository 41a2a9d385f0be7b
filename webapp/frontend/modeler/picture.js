// The diagram as a picture: to paste into a letter, or as a file.

const SCALE = 2;

async function png(svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width * SCALE, height: image.height * SCALE });
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/png'));
}

/** Puts the diagram on the clipboard; false where the browser has none for pictures (then it is saved as a file). */
export async function copyPicture(diagram, name) {
  const picture = diagram.saveSVG().then(({ svg }) => png(svg));
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })]);
    return true;
  } catch {
    save(await picture, `${name}.png`);
    return false;
  }
}

export async function savePicture(diagram, name, kind) {
  const { svg } = await diagram.saveSVG();
  save(kind === 'svg' ? new Blob([svg], { type: 'image/svg+xml' }) : await png(svg), `${name}.${kind}`);
}

export const saveDiagram = (text, name) => save(new Blob([text], { type: 'application/xml' }), `${name}.bpmn`);

function save(content, name) {
  const address = URL.createObjectURL(content);
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
