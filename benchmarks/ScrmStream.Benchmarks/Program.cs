using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(ScrmStream.Benchmarks.DecideBenchmarks).Assembly).Run(args);
