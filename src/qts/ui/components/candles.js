// Candles with overlays, volume, oscillators and trade markers, drawn by lightweight-charts.
//
// Streamlit calls `draw` on every change of data or theme; one chart per root lives until `clear`.
// Times arrive as seconds of the Indian wall clock written as if they were UTC: the browser's own zone never matters.

const charts = new WeakMap()
const libraries = new Map()

const MARKS_WITH_TEXT = 150
const MARKS_AT_ALL = 800
const MARK_WIDTH = 50
const PRICES = new Set(["open", "high", "low", "close"])
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
// Arrows are blue and orange: lines take those colours last.
const PALETTE = ["--st-violet-color", "--st-gray-color", "--st-yellow-color", "--st-blue-color", "--st-orange-color"]

export function draw(component, library) {
  const root = component.parentElement.querySelector(".qts-candles")
  if (!root) return
  const known = charts.get(root)
  if (known) {
    known.component = component
    if (known.chart) refresh(known)
    return
  }
  root.style.height = `${component.data.height}px` // before the chart is made, which measures its place once
  const view = { root, component, chart: null, series: new Map(), shape: "" }
  charts.set(root, view)
  if (!libraries.has(library)) libraries.set(library, import(library))
  libraries.get(library).then(
    lwc => open(view, lwc),
    () => (root.querySelector(".legend").textContent = "The chart library could not be loaded. Reload the page; if that does not help, run `make setup`."),
  )
}

export function clear(component) {
  const root = component.parentElement.querySelector(".qts-candles")
  const view = root && charts.get(root)
  if (!view) return
  charts.delete(root)
  view.chart?.remove()
}

function open(view, lwc) {
  if (!charts.has(view.root)) return // unmounted while the library was on its way
  const plot = view.root.querySelector(".plot")
  view.lwc = lwc
  view.chart = lwc.createChart(plot, {
    autoSize: true,
    layout: { attributionLogo: true, fontSize: 12, panes: { enableResize: true } },
    localization: { locale: "en-IN", timeFormatter: time => instantText(time, view.intraday) },
    crosshair: { mode: lwc.CrosshairMode.Normal },
    timeScale: { rightOffset: 4, enableConflation: true, tickMarkFormatter: (time, kind) => tickText(time, kind, lwc.TickMarkType) },
  })
  view.chart.subscribeCrosshairMove(move => showLegend(view, move.logical === undefined ? null : Math.round(move.logical)))
  view.chart.timeScale().subscribeVisibleLogicalRangeChange(() => showMarks(view))
  plot.addEventListener("keydown", event => onKey(view, event))
  refresh(view)
}

function refresh(view) {
  const { data } = view.component
  const table = columnsOf(data.bars, data.scale)
  const shape = JSON.stringify([data.lines, data.has_volume, data.precision])
  view.intraday = data.intraday
  view.root.querySelector(".plot").setAttribute("aria-label", data.label)
  paint(view)
  if (shape !== view.shape) rebuild(view, data)
  if (data.version !== view.version || shape !== view.shape) {
    const range = view.version === undefined || data.series !== view.seriesName ? null : view.chart.timeScale().getVisibleRange()
    fill(view, table, data, range)
  }
  Object.assign(view, { table, shape, version: data.version, seriesName: data.series })
  view.marks = marksOf(view, data.marks)
  showMarks(view, true)
  showLegend(view, null)
  if (data.focus && data.focus.nonce !== view.nonce) jump(view, data.focus)
}

// One series per column; panes: prices, then volume, then one per oscillator.
function rebuild(view, data) {
  for (const series of view.series.values()) view.chart.removeSeries(series)
  while (view.chart.panes().length > 1) view.chart.removePane(view.chart.panes().length - 1)
  view.series.clear()
  const { CandlestickSeries, HistogramSeries, LineSeries, createSeriesMarkers } = view.lwc
  const price = { type: "custom", minMove: 10 ** -data.precision, formatter: value => grouped(value, data.precision) }
  const candles = view.chart.addSeries(CandlestickSeries, { priceFormat: price, ...candleColours(view) }, 0)
  view.series.set("candles", candles)
  view.marker = createSeriesMarkers(candles, [], { zOrder: "top" })
  let pane = 0
  const below = new Map()
  if (data.has_volume) {
    pane += 1
    const volume = { type: "custom", minMove: 1, formatter: compact }
    view.series.set("volume", view.chart.addSeries(HistogramSeries, { priceFormat: volume, priceLineVisible: false, lastValueVisible: false }, pane))
  }
  for (const [i, line] of data.lines.entries()) {
    if (!line.overlay && !below.has(line.pane)) below.set(line.pane, (pane += 1))
    const format = line.overlay ? price : { type: "custom", minMove: 0.01, formatter: value => grouped(value, 2) }
    const options = { color: colour(view, PALETTE[i % PALETTE.length]), lineWidth: 2, priceFormat: format }
    const series = view.chart.addSeries(LineSeries, { ...options, priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false }, line.overlay ? 0 : below.get(line.pane))
    for (const level of line.levels ?? []) {
      series.createPriceLine({ price: level, color: colour(view, "--st-gray-color"), lineWidth: 1, lineStyle: 2, axisLabelVisible: false })
    }
    view.series.set(line.column, series)
  }
  view.chart.panes().forEach((each, i) => each.setStretchFactor(i === 0 ? 5 : 1))
}

function fill(view, table, data, range) {
  const { time, open, high, low, close, volume } = table
  const candles = Array.from(time, (t, i) => ({ time: t, open: open[i], high: high[i], low: low[i], close: close[i] }))
  view.series.get("candles").setData(candles)
  const up = colour(view, "--st-green-color") + "80"
  const down = colour(view, "--st-red-color") + "80"
  view.series.get("volume")?.setData(Array.from(time, (t, i) => (Number.isNaN(volume[i]) ? { time: t } : { time: t, value: volume[i], color: close[i] < open[i] ? down : up })))
  for (const { column } of data.lines) {
    view.series.get(column).setData(Array.from(time, (t, i) => (Number.isNaN(table[column][i]) ? { time: t } : { time: t, value: table[column][i] })))
  }
  if (range) return view.chart.timeScale().setVisibleRange(range)
  // All bars where they still read as candles, otherwise the last ones.
  const width = Math.max(300, view.root.clientWidth)
  const shown = time.length <= 1.5 * width ? time.length : width / 3
  view.chart.timeScale().setVisibleLogicalRange({ from: Math.max(-1, time.length - shown), to: time.length + 3 })
}

// Far out, words on markers would hide the price; farther out, the markers themselves would.
function showMarks(view, force = false) {
  const range = view.chart.timeScale().getVisibleLogicalRange()
  if (!view.marks || !range) return
  const shown = view.marks.filter(mark => mark.index >= range.from && mark.index <= range.to).length
  const fits = shown <= MARKS_WITH_TEXT && shown * MARK_WIDTH <= view.root.clientWidth
  const level = shown > MARKS_AT_ALL ? 0 : fits ? 2 : 1
  if (level === view.level && !force) return
  view.level = level
  view.marker.setMarkers(level === 0 ? [] : view.marks.map(({ index, text, ...mark }) => (level === 2 ? { ...mark, text } : mark)))
}

function marksOf(view, table) {
  if (!table) return []
  const { time, buy, text } = columnsOf(table, 1)
  const up = colour(view, "--st-blue-color")
  const down = colour(view, "--st-orange-color")
  return Array.from(time, (t, i) => ({
    time: t,
    index: indexAt(view, t),
    position: buy[i] ? "belowBar" : "aboveBar",
    shape: buy[i] ? "arrowUp" : "arrowDown",
    color: buy[i] ? up : down,
    text: text[i],
  })).filter(mark => mark.index >= 0)
}

function jump(view, { time, nonce }) {
  view.nonce = nonce
  const scale = view.chart.timeScale()
  const at = indexAt(view, time)
  if (at < 0) return
  const range = scale.getVisibleLogicalRange()
  const half = Math.min(Math.max((range ? range.to - range.from : 120) / 2, 30), 90)
  const from = Math.max(-3, at - half)
  scale.setVisibleLogicalRange({ from, to: from + 2 * half })
  // The crosshair is placed by pixels, which the new range has only after the next frame.
  requestAnimationFrame(() => requestAnimationFrame(() => {
    if (!charts.has(view.root)) return
    view.chart.setCrosshairPosition(view.table.close[at], view.table.time[at], view.series.get("candles"))
    showLegend(view, at)
  }))
}

// The bar that holds this instant: the last one that opened at or before it.
function indexAt(view, time) {
  const times = view.table.time
  let [low, high] = [0, times.length - 1]
  if (high < 0 || time < times[0]) return -1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (times[middle] <= time) low = middle
    else high = middle - 1
  }
  return low
}

function showLegend(view, index) {
  const { table, component } = view
  if (!table?.time.length) return
  const i = index === null || index < 0 || index >= table.time.length ? table.time.length - 1 : index
  const { data } = component
  const before = i > 0 ? table.close[i - 1] : table.open[i]
  const change = table.close[i] / before - 1
  const tone = change < 0 ? "down" : "up"
  const body = table.close[i] < table.open[i] ? "down" : "up"
  const parts = [["", data.series, "name"], ["", instantText(table.time[i], data.intraday) + (data.intraday ? " IST" : ""), "when"]]
  for (const [name, column] of [["O", "open"], ["H", "high"], ["L", "low"], ["C", "close"]]) parts.push([name, grouped(table[column][i], data.precision), body])
  parts.push(["", `${change < 0 ? "-" : "+"}${grouped(Math.abs(change) * 100, 2)} %`, tone])
  if (data.has_volume && !Number.isNaN(table.volume[i])) parts.push(["Vol", compact(table.volume[i]), ""])
  for (const [n, line] of data.lines.entries()) {
    const value = table[line.column][i]
    parts.push([line.title, Number.isNaN(value) ? "–" : grouped(value, line.overlay ? data.precision : 2), "", colour(view, PALETTE[n % PALETTE.length])])
  }
  view.root.querySelector(".legend").replaceChildren(...parts.map(legendItem))
}

function legendItem([name, value, tone, swatch]) {
  const item = document.createElement("span")
  item.className = tone
  if (swatch) item.appendChild(Object.assign(document.createElement("i"), { style: `background:${swatch}` }))
  if (name) item.appendChild(Object.assign(document.createElement("b"), { textContent: `${name} ` }))
  item.append(value)
  return item
}

function onKey(view, event) {
  const scale = view.chart.timeScale()
  const range = scale.getVisibleLogicalRange()
  if (!range) return
  const width = range.to - range.from
  const moves = {
    ArrowLeft: [-width / 10, -width / 10],
    ArrowRight: [width / 10, width / 10],
    "+": [width / 8, -width / 8],
    "=": [width / 8, -width / 8],
    "-": [-width / 8, width / 8],
    Home: [-range.from, -range.from],
    End: [view.table.time.length + 3 - range.to, view.table.time.length + 3 - range.to],
  }
  const move = moves[event.key]
  if (!move) return
  event.preventDefault()
  scale.setVisibleLogicalRange({ from: range.from + move[0], to: range.to + move[1] })
}

function paint(view) {
  const grid = { color: colour(view, "--st-border-color") + "55" }
  view.chart.applyOptions({
    layout: { background: { color: "transparent" }, textColor: colour(view, "--st-text-color"), fontFamily: colour(view, "--st-font"), panes: { separatorColor: colour(view, "--st-border-color") } },
    grid: { vertLines: grid, horzLines: grid },
    timeScale: { timeVisible: view.intraday, borderColor: colour(view, "--st-border-color") },
    crosshair: { vertLine: { labelBackgroundColor: colour(view, "--st-border-color") }, horzLine: { labelBackgroundColor: colour(view, "--st-border-color") } },
    rightPriceScale: { entireTextOnly: true, borderColor: colour(view, "--st-border-color") },
  })
  view.series.get("candles")?.applyOptions(candleColours(view))
  const lines = [...view.series.keys()].filter(name => name !== "candles" && name !== "volume")
  lines.forEach((name, i) => view.series.get(name).applyOptions({ color: colour(view, PALETTE[i % PALETTE.length]) }))
}

function candleColours(view) {
  const [up, down] = [colour(view, "--st-green-color"), colour(view, "--st-red-color")]
  return { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false }
}

function colour(view, variable) {
  return getComputedStyle(view.root).getPropertyValue(variable).trim() || "#808080"
}

const columnCache = new WeakMap()

// Prices travel as whole multiples of 1/scale rupees: half the bytes, and exact.
function columnsOf(table, scale) {
  if (!columnCache.has(table)) {
    const columns = {}
    for (const { name } of table.schema.fields) {
      const values = table.getChild(name).toArray()
      columns[name] = PRICES.has(name) ? Float64Array.from(values, value => value / scale) : values
    }
    columnCache.set(table, columns)
  }
  return columnCache.get(table)
}

function grouped(value, digits) {
  return value.toLocaleString("en-IN", { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

// Volumes as India says them: thousands, lakhs, crores.
function compact(value) {
  if (value >= 1e7) return `${grouped(value / 1e7, 2)} Cr`
  if (value >= 1e5) return `${grouped(value / 1e5, 2)} L`
  return grouped(value, 0)
}

function instantText(time, intraday) {
  const at = new Date(time * 1000)
  const day = at.toISOString().slice(0, 10)
  return intraday ? `${day} ${clock(at)}` : day
}

function tickText(time, kind, kinds) {
  const at = new Date(time * 1000)
  if (kind === kinds.Year) return String(at.getUTCFullYear())
  if (kind === kinds.Month) return MONTHS[at.getUTCMonth()]
  if (kind === kinds.DayOfMonth) return String(at.getUTCDate())
  return clock(at)
}

function clock(at) {
  return `${String(at.getUTCHours()).padStart(2, "0")}:${String(at.getUTCMinutes()).padStart(2, "0")}`
}
