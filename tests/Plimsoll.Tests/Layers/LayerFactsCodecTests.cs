using System.Collections;
using System.Reflection;
using System.Text.Json;
using Plimsoll.Inspect.Layers;

namespace Plimsoll.Tests.Layers;

public sealed class LayerFactsCodecTests
{
    [Fact]
    public void Decode_WhatEncodeWrote_HasEveryPropertyOfEveryRecord()
    {
        // Filled by reflection, so that a property that someone adds and the codec forgets makes this test red.
        int number = 0;
        LayerFacts facts = (LayerFacts)Filled(typeof(LayerFacts), ref number);

        LayerFacts? again = LayerFactsCodec.Decode(LayerFactsCodec.Encode(facts));

        Assert.NotNull(again);
        Assert.Equal(JsonSerializer.Serialize(facts), JsonSerializer.Serialize(again));
        Assert.Equal(facts.NonFolders.ToArray(), again.NonFolders.ToArray());
        Assert.True(number > 40, $"only {number} values were filled in");
    }

    [Fact]
    public void Decode_AnyByteAltered_GivesNull()
    {
        int number = 0;
        byte[] whole = LayerFactsCodec.Encode((LayerFacts)Filled(typeof(LayerFacts), ref number));
        for (int i = 0; i < whole.Length; i++)
        {
            whole[i] ^= 0x20;
            Assert.Null(LayerFactsCodec.Decode(whole));
            whole[i] ^= 0x20;
        }
    }

    private static object Filled(Type type, ref int number)
    {
        number++;
        if (Nullable.GetUnderlyingType(type) is { } inner)
            return Filled(inner, ref number);
        if (type == typeof(string))
            return $"text {number} é";
        if (type == typeof(long) || type == typeof(int))
            return Convert.ChangeType(1L << (number % 30), type, System.Globalization.CultureInfo.InvariantCulture);
        if (type == typeof(bool))
            return true;
        if (type.IsEnum)
            return Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1)!;
        if (type == typeof(ReadOnlyMemory<PathHash>))
            return new ReadOnlyMemory<PathHash>([new PathHash(1, 2), new PathHash(3, 4)]);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>))
        {
            Type item = type.GetGenericArguments()[0];
            Array list = Array.CreateInstance(item, 2);
            for (int i = 0; i < 2; i++)
                list.SetValue(Filled(item, ref number), i);
            return list;
        }
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyDictionary<,>))
        {
            Type[] arguments = type.GetGenericArguments();
            IDictionary map = (IDictionary)Activator.CreateInstance(typeof(SortedDictionary<,>).MakeGenericType(arguments), [arguments[0] == typeof(string) ? StringComparer.Ordinal : null])!;
            map.Add("a", Filled(arguments[1], ref number));
            map.Add("b", Filled(arguments[1], ref number));
            return map;
        }
        ConstructorInfo constructor = type.GetConstructors().MinBy(c => c.GetParameters().Length)!;
        object made;
        if (constructor.GetParameters().Length == 0)
            made = constructor.Invoke([]);
        else
        {
            List<object> arguments = [];
            foreach (ParameterInfo parameter in constructor.GetParameters())
                arguments.Add(Filled(parameter.ParameterType, ref number));
            made = constructor.Invoke([.. arguments]);
        }
        foreach (PropertyInfo property in type.GetProperties().Where(p => p.SetMethod is not null && constructor.GetParameters().Length == 0))
            property.SetValue(made, Filled(property.PropertyType, ref number));
        return made;
    }
}
