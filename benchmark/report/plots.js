import { mkdirSync, writeFileSync } from 'fs';
import { fileURLToPath } from 'url';
import * as echarts from 'echarts';
import { median, valuesOf } from './statistics.js';

const FOLDER = new URL('../plots/', import.meta.url);
// Readable on white and on black alike, as pages show them.
const INK = '#7a828e';
const COLOURS = ['#1f9e6e', '#d9822b', '#4f86d9', '#a06cd5', '#c94f6d', '#8a8f3c', '#5aa7a7', '#996633'];

const slug = (name) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

function svg(option, height) {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 760, height });
  chart.setOption({
    animation: false,
    color: COLOURS,
    textStyle: { color: INK, fontFamily: 'sans-serif', fontSize: 13 },
    ...option,
  });
  const text = chart.renderToSVGString();
  chart.dispose();
  return text;
}

const text = (name) => ({ text: name, left: 0, textStyle: { color: INK, fontSize: 14, fontWeight: 'bold' } });
const line = { lineStyle: { color: INK, opacity: 0.4 } };
const label = { color: INK };
/** 200 000 is 200 k: labels side by side must not touch. */
const short = {
  ...label,
  formatter: (value) => (value >= 1e6 ? `${value / 1e6} M` : value >= 1_000 ? `${value / 1_000} k` : String(value)),
};

/** One bar for each contestant, a chart a figure. */
function bars({ name, figures, rows }) {
  const shown = Object.keys(figures).slice(0, 2);
  const contestants = rows.map(({ contestant }) => contestant).reverse();
  const width = 100 / shown.length;
  const option = {
    title: shown.map((figure, index) => ({ ...text(`${name}: ${figures[figure].unit}`), left: `${index * width}%` })),
    grid: shown.map((_, index) => ({
      left: `${index * width + 3}%`,
      width: `${width - 10}%`,
      top: 36,
      bottom: 8,
      containLabel: true,
    })),
    xAxis: shown.map((_, index) => ({
      gridIndex: index,
      type: 'value',
      splitNumber: 4,
      axisLabel: short,
      splitLine: line,
    })),
    yAxis: shown.map((_, index) => ({
      gridIndex: index,
      type: 'category',
      data: contestants,
      axisLabel: label,
      axisLine: line,
      axisTick: { show: false },
    })),
    series: shown.map((figure, index) => ({
      type: 'bar',
      xAxisIndex: index,
      yAxisIndex: index,
      barMaxWidth: 18,
      data: [...rows].reverse().map((row) => ({
        value: valuesOf(row, figure).length > 0 ? median(valuesOf(row, figure)) : null,
        itemStyle: { color: row === rows[0] ? COLOURS[0] : INK },
      })),
    })),
  };
  return svg(option, 60 + 26 * rows.length);
}

/** A line for each contestant, by size, both axes logarithmic. */
function growth({ name, figures, rows, sizes }) {
  const [figure] = Object.keys(figures);
  const contestants = [...new Set(rows.map(({ contestant }) => contestant))];
  const option = {
    title: text(`${name}: ${figures[figure].unit}`),
    legend: { top: 30, left: 0, itemGap: 32, textStyle: label },
    grid: { left: 8, right: 40, top: 72, bottom: 8, containLabel: true },
    xAxis: { type: 'log', min: sizes[0], axisLabel: short, axisLine: line, splitLine: { show: false } },
    yAxis: { type: 'log', axisLabel: short, splitLine: line },
    series: contestants.map((contestant) => ({
      name: contestant,
      type: 'line',
      symbolSize: 6,
      data: rows
        .filter((row) => row.contestant === contestant && valuesOf(row, figure).length > 0)
        .map((row) => [row.size, median(valuesOf(row, figure))]),
    })),
  };
  return svg(option, 320);
}

/** @returns {Promise<Map<string, string>>} by case, the plot's path from the project's root */
export async function drawPlots({ cases }) {
  mkdirSync(FOLDER, { recursive: true });
  const plots = new Map();
  for (const result of cases) {
    const file = `${slug(result.name)}.svg`;
    writeFileSync(fileURLToPath(new URL(file, FOLDER)), result.sizes ? growth(result) : bars(result));
    plots.set(result.name, `benchmark/plots/${file}`);
  }
  return plots;
}
